"""Federated rounds in one process: the nodes' training and encoding and the aggregator's merge, without chain or store.

The integers give exactly the globals that a federation on a chain gets: FedAvg does not depend on the order of its
inputs.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from fedaggregator.compute.merge import Contribution, merge
from fedaggregator.rules import rule_of_spec
from fednode.training import TrainingError
from fednode.training.look_ahead import ahead
from fednode.training.update import Update
from fedprotocol.car import MemoryLeaves, write_car
from fedprotocol.numbers import UNIT, dequantize_global
from fedprotocol.spec import SERVER_LR_ONE, Spec

from fedlab.experiment.crew import Crew, OneByOne
from fedlab.experiment.members import Member, Turn

if TYPE_CHECKING:
    from fednode.training import AdapterModel, StepRecord
    from numpy.typing import NDArray

FLOAT_BYTES = 4


@dataclass(frozen=True)
class Round:
    """The result of a round. The model holds its global. `root` is None if floats were averaged. `bytes_sent` is the
    size of all `updates` as they are published; there are none if floats were averaged."""

    number: int
    root: bytes | None
    bytes_sent: int
    steps: list[StepRecord]
    updates: tuple[Update, ...] = ()


def in_integers(
    model: AdapterModel,
    spec: Spec,
    genesis: NDArray[np.int32],
    members: Mapping[str, Member],
    stragglers: int = 0,
    crew: Crew | None = None,
) -> Iterator[Round]:
    """The federation's own arithmetic. Weights are numbers of rows.

    Where a member attacks, an honest one whose training fails sends nothing in that round: attackers can spoil a global
    so that nobody can train from it. A round without updates is void, and the global stays.

    Args:
        genesis: int32 [value_count], units of 2^-24; what the rule keeps beside the weights begins as zero.
        stragglers: how many members send nothing in a round; chance chooses them anew in each.
        crew: who trains; None: `model` does, one member after the other.
    """
    layout, rule = spec.layout, rule_of_spec(spec)
    prior = layout.at_genesis(genesis)
    rows = sum(len(member.data) for member in members.values())
    attacked = any(member.attack is not None for member in members.values())
    before: NDArray[np.int32] | None = None
    earlier: dict[str, Update] = {}
    for number in range(1, spec.training.rounds + 1):
        units = layout.weights(prior)
        share = spec.training.look_ahead
        start = ahead(units, before, share) if share and before is not None else None
        turn = Turn(number, units, start, rows, earlier)
        steps: list[StepRecord] = []
        updates: dict[str, Update] = {}
        for name, part in (crew or OneByOne(model)).parts(spec, _present(members, stragglers, number), turn):
            if isinstance(part, TrainingError):
                if not attacked:
                    raise part
                continue
            update, made = part
            steps += made
            if update is not None:
                updates[name] = update
        if updates:
            given = [Contribution(sent.leaves, len(members[name].data), sent.shift) for name, sent in updates.items()]
            with tempfile.TemporaryDirectory() as folder:
                out = Path(folder) / "global.leaves"
                with merge(rule, prior, given, layout.mantissa_bits, spec.server_lr, out) as merged:
                    prior, before = MemoryLeaves([merged[index] for index in range(len(merged))]), units
        earlier = {name: update for name, update in updates.items() if members[name].attack is None}
        model.set_global(layout.weights(prior))
        sent = sum(car_bytes(update.leaves) for update in updates.values())
        yield Round(number, prior.root, sent, steps, tuple(updates.values()))


def _present(members: Mapping[str, Member], stragglers: int, number: int) -> Mapping[str, Member]:
    seeds = [member.seed for member in members.values()]
    late = np.random.default_rng([*seeds, number]).permutation(len(members))[:stragglers]
    return {name: member for index, (name, member) in enumerate(members.items()) if index not in late}


def in_floats(
    model: AdapterModel, spec: Spec, genesis: NDArray[np.int32], members: Mapping[str, Member]
) -> Iterator[Round]:
    """The same in float32, as other systems compute it, for comparison with the integers."""
    values = dequantize_global(genesis)
    rate = spec.server_lr / SERVER_LR_ONE
    rows = sum(len(member.data) for member in members.values())
    share, before = np.float32(spec.training.look_ahead), values
    for number in range(1, spec.training.rounds + 1):
        steps, mean = [], np.zeros(values.shape, np.float32)
        for member in members.values():
            model.set_values(values)
            start = values + share * (values - before) if share else None
            result = model.train(spec, member.data, number, member.seed, start=start)
            mean += np.float32(len(member.data) / rows) * (result.units_delta * UNIT).astype(np.float32)
            steps += result.steps
        values, before = values + np.float32(rate) * mean, values
        model.set_values(values)
        yield Round(number, None, len(members) * values.size * FLOAT_BYTES, steps)


def car_bytes(leaves: MemoryLeaves) -> int:
    """The length of the CAR file in which a tree is sent."""
    with tempfile.TemporaryFile() as file:
        write_car(leaves, file)
        return file.tell()

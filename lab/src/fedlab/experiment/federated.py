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
from fedaggregator.rules import rule_named
from fednode.training.look_ahead import ahead
from fednode.training.update import Update, make_update
from fedprotocol.car import MemoryLeaves, write_car
from fedprotocol.numbers import UNIT, dequantize_global, split_leaves
from fedprotocol.spec import SERVER_LR_ONE, Spec

if TYPE_CHECKING:
    from datasets import Dataset
    from fednode.training import AdapterModel, StepRecord
    from numpy.typing import NDArray

FLOAT_BYTES = 4


@dataclass(frozen=True)
class Member:
    """A site of the federation: its rows, and the seed of its node."""

    data: Dataset
    seed: int


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
    model: AdapterModel, spec: Spec, genesis: NDArray[np.int32], members: Mapping[str, Member]
) -> Iterator[Round]:
    """The federation's own arithmetic. Weights are numbers of rows. `genesis`: int32 [value_count], units of 2^-24."""
    layout, rule = spec.layout, rule_named(spec.rule)
    prior = MemoryLeaves(split_leaves(genesis, layout.leaf_values))
    before: NDArray[np.int32] | None = None
    for number in range(1, spec.training.rounds + 1):
        sent, steps = 0, []
        given: list[Contribution] = []
        updates: list[Update] = []
        units = layout.weights(prior)
        share = spec.training.look_ahead
        start = ahead(units, before, share) if share and before is not None else None
        for member in members.values():
            model.set_global(units)
            result = model.train(spec, member.data, number, member.seed, start=start)
            update = make_update(result.units_delta, spec, member.seed, number)
            updates.append(update)
            given.append(Contribution(update.leaves, len(member.data), update.shift))
            sent += car_bytes(update.leaves)
            steps += result.steps
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "global.leaves"
            with merge(rule, prior, given, layout.mantissa_bits, spec.server_lr, out) as merged:
                prior, before = MemoryLeaves([merged[index] for index in range(len(merged))]), units
        model.set_global(layout.weights(prior))
        yield Round(number, prior.root, sent, steps, tuple(updates))


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

"""The members of a federation, and what one of them does in a round: it trains and sends an update, or it attacks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from fednode.data import Row
from fednode.training.poisson import sampling_rate
from fednode.training.types import PrivateSteps
from fednode.training.update import Update, make_update
from fedprotocol.errors import FedError
from fedprotocol.spec import Spec

from fedlab.experiment.attacks import ATTACKS, Attack, Seen
from fedlab.experiment.attacks.limits import without_bounds
from fedlab.experiment.privacy.noise import NoSuchNoise, noise_for
from fedlab.experiment.privacy.randomness import SeededRandomness
from fedlab.experiment.settings import Settings
from fedlab.experiment.split_rows import Sites

if TYPE_CHECKING:
    from datasets import Dataset
    from fednode.training import AdapterModel, StepRecord
    from numpy.typing import NDArray


SEEDS_APART = 1000  # between the sites of one federation and those of the next seed


@dataclass(frozen=True)
class Member:
    """A site of the federation: its rows, the seed of its node, and how many steps it makes in a round (None: the
    spec's number). `attack`: what it does to the others; None if it is honest. `bounds_kept`: whether its attack has to
    keep the spec's bounds. `private`: the noise with which it trains; None if it adds none."""

    data: Dataset
    seed: int
    steps: int | None = None
    attack: Attack | None = None
    bounds_kept: bool = True
    private: PrivateSteps | None = None


def members_of(settings: Settings, sites: Sites, seed: int, classes: Sequence[str] | None) -> dict[str, Member]:
    """The members, of which the last ones attack as `settings` says. Raises KeyError for an answer not in `classes`,
    NoSuchNoise and NoAccountant."""
    attackers = list(sites)[len(sites) - settings.attackers :]
    steps = steps_of_sites(settings, sites)
    members = {}
    for index, (name, rows) in enumerate(sites.items()):
        attack = ATTACKS[settings.attack] if settings.attack != "none" and name in attackers else None
        held = rows if attack is None else attack.rows(rows, classes or ())
        own = seed * SEEDS_APART + index
        private = private_steps(settings, len(rows), steps[name])
        members[name] = Member(table(held), own, steps[name], attack, settings.bounds == "kept", private)
    return members


def steps_of_sites(settings: Settings, sites: Sites) -> dict[str, int]:
    """How many steps each site makes in a round: at least one, and together `settings.steps` for each site."""
    if settings.steps_by == "site":
        return dict.fromkeys(sites, settings.steps)
    rows = sum(map(len, sites.values()))
    spare = (settings.steps - 1) * len(sites)
    shares = {name: spare * len(held) / rows for name, held in sites.items()}
    steps = {name: 1 + int(share) for name, share in shares.items()}
    nearest = sorted(shares, key=lambda name: int(shares[name]) - shares[name])  # the largest remainders first
    for name in nearest[: spare - sum(map(int, shares.values()))]:
        steps[name] += 1
    return steps


def private_steps(settings: Settings, rows: int, steps: int) -> PrivateSteps | None:
    """How a site with so many rows, which makes `steps` steps in a round, keeps to `settings.epsilon`; None if it need
    not. Raises NoSuchNoise, NoAccountant."""
    if settings.epsilon is None:
        return None
    if settings.delta >= 1 / rows:
        raise NoSuchNoise(
            f"delta = {settings.delta:g} allows to give away a whole row of {rows}: set it below 1 / {rows}"
        )
    rate = sampling_rate(rows, settings.batch_size)
    return PrivateSteps(noise_for(settings.epsilon, settings.delta, rate, settings.rounds * steps), settings.clip)


class NotAllDrawn(FedError):
    """Nobody can say which rows a site trained on."""


def drawn_in(member: Member, spec: Spec, round: int) -> list[int]:
    """The rows that an honest member trains on in a round, in ascending order. Raises NotAllDrawn if it trains without
    noise on some of its rows only: which ones is up to transformers."""
    rows, steps = len(member.data), spec.training.steps if member.steps is None else member.steps
    if member.private is not None:
        randomness, rate = SeededRandomness(member.seed, round), sampling_rate(rows, spec.training.batch_size)
        return sorted({index for _ in range(steps) for index in randomness.drawn(rows, rate)})
    if steps * spec.training.batch_size < rows:
        raise NotAllDrawn(
            f"a site has {rows} rows and draws {steps * spec.training.batch_size} of them: let it draw all"
        )
    return list(range(rows))


def table(rows: Sequence[Row]) -> Dataset:
    """The rows as training and evaluation take them."""
    from datasets import Dataset

    columns = ("prompt", "completion", "domain")
    return Dataset.from_dict({name: [getattr(row, name) for row in rows] for name in columns})


@dataclass(frozen=True)
class Turn:
    """What is the same for all members in a round.

    `units`: the global to train from, int32 [value_count] in units of 2^-24. `start`: where training begins, real
    values; None: at the global. `rows`: those of all members. `earlier`: the honest updates of the round before.
    """

    number: int
    units: NDArray[np.int32]
    start: NDArray[np.float32] | None
    rows: int
    earlier: Mapping[str, Update]


def take_part(
    model: AdapterModel, spec: Spec, member: Member, turn: Turn
) -> tuple[Update | None, Sequence[StepRecord]]:
    """The member's update, if it sends one, and the steps that it made. Raises what training raises."""
    steps: list[StepRecord] = []
    trained = None
    if member.attack is None or member.attack.trains:
        model.set_global(turn.units)
        own = spec if member.steps is None else spec.with_steps(member.steps)
        randomness = None if member.private is None else SeededRandomness(member.seed, turn.number)
        result = model.train(
            own,
            member.data,
            turn.number,
            member.seed,
            start=turn.start,
            private=member.private,
            randomness=randomness,
        )
        trained, steps = result.units_delta, result.steps
    if member.attack is not None:
        spec = spec if member.bounds_kept else without_bounds(spec)
        rng = np.random.default_rng([member.seed, turn.number, 1])
        trained = member.attack.update(Seen(trained, turn.earlier, spec, len(member.data) / turn.rows, rng))
    return None if trained is None else make_update(trained, spec, member.seed, turn.number), steps

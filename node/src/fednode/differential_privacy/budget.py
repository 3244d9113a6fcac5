"""What a round costs a site, and whether it may be trained: the site's `[privacy]`, the spec's demand, the ledger."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from fedprotocol.spec import Spec

from fednode.config import NodeConfig, PrivacyConfig
from fednode.differential_privacy.accountant import Cost, epsilon
from fednode.differential_privacy.ledger import Entry, Ledger
from fednode.training.poisson import sampling_rate
from fednode.training.types import PrivateSteps, TrainingError


class BudgetSpent(TrainingError):
    """Training the round would take more privacy than the site allows."""

    needs_person = True


class NotPrivate(TrainingError):
    """The site's settings do not give the privacy that they, or the spec, ask for."""

    needs_person = True


@dataclass(frozen=True)
class Plan:
    """What has been spent and what rounds cost; every epsilon is that of everything together, at the site's delta.

    `next_round`: after one more; `whole`: after as many more as the federation has rounds, none of them void.
    """

    spent: float
    next_round: float
    whole: float


def settings_for(config: NodeConfig, spec: Spec) -> PrivacyConfig | None:
    """The site's `[privacy]`; None if it has none and the spec demands none. Raises NotPrivate if the spec demands
    more, or if a conversation is several of the rows that noise hides."""
    own, demanded = config.privacy, spec.privacy
    if (own is not None or demanded is not None) and spec.prompt.turns == "every":
        raise NotPrivate(
            "the spec learns every answer of a conversation as a row of its own, and the noise hides single rows: with "
            "[privacy], the federation must learn the last answer alone (prompt.turns)"
        )
    if demanded is None or (own is not None and own.noise >= demanded.noise):
        return own
    has = "has no [privacy]" if own is None else f"has privacy.noise = {own.noise:g}"
    raise NotPrivate(
        f"the spec demands noise of at least {demanded.noise:g}, and the config of this site {has}: "
        f"set noise in [privacy] to {demanded.noise:g} or more, or do not take part"
    )


def federation_of(config: NodeConfig) -> str:
    """The federation's name in the ledger."""
    return f"{config.chain.chain_id}-{config.chain.coordinator}"


def steps_of(settings: PrivacyConfig) -> PrivateSteps:
    return PrivateSteps(settings.noise, settings.clip)


def cost_of_round(settings: PrivacyConfig, spec: Spec, rows: int) -> Cost:
    """What one round of training on `rows` rows costs. Raises NotPrivate if delta says nothing about so few or many."""
    if settings.delta >= 1 / rows:
        raise NotPrivate(
            f"privacy.delta = {settings.delta:g} allows to give away a whole row of {rows}: it must be below "
            f"1 / {rows} = {1 / rows:.2g}"
        )
    training = spec.training
    return Cost(
        settings.noise, sampling_rate(rows, training.batch_size * training.gradient_accumulation), training.steps
    )


def require_budget(settings: PrivacyConfig, spent: Sequence[Entry], cost: Cost) -> float:
    """Epsilon after `cost`. Raises BudgetSpent if it is above the site's budget."""
    after = epsilon([*(entry.cost for entry in spent), cost], settings.delta)
    if after <= settings.budget:
        return after
    before = epsilon((entry.cost for entry in spent), settings.delta)
    raise BudgetSpent(
        f"epsilon {before:.3g} of the {settings.budget:g} that privacy.budget allows is spent, and another round would "
        f"take it to {after:.3g} (delta {settings.delta:g}): this site trains no more. `fednode privacy` shows what "
        "was spent; `fednode exit` gives the seat back"
    )


def charge(config: NodeConfig, settings: PrivacyConfig, cost: Cost, round: int, prior_root: bytes, rows: int) -> Entry:
    """Write the cost of a training that ended into the ledger, before anything of it leaves. Raises BudgetSpent,
    LedgerError."""

    def make(before: Sequence[Entry]) -> Entry:
        return Entry(
            federation=federation_of(config),
            round=round,
            prior_root=prior_root,
            rows=rows,
            noise=cost.noise,
            clip=settings.clip,
            rate=cost.rate,
            steps=cost.steps,
            delta=settings.delta,
            epsilon=require_budget(settings, before, cost),
            at=int(time.time()),
        )

    return Ledger(config.privacy_ledger).charge(make)


def plan(settings: PrivacyConfig, spent: Sequence[Entry], cost: Cost, rounds: int) -> Plan:
    """What was spent, and what `rounds` rounds of `cost` each would add."""
    before = [entry.cost for entry in spent]
    more = [Cost(cost.noise, cost.rate, cost.steps * count) for count in (1, rounds)]
    next_round, whole = (epsilon([*before, one], settings.delta) for one in more)
    return Plan(epsilon(before, settings.delta), next_round, whole)


def affordable(settings: PrivacyConfig, spent: Sequence[Entry], cost: Cost, most: int) -> int:
    """How many more rounds of `cost` the budget pays for, at most `most`: by bisection, as epsilon grows with them."""
    before = [entry.cost for entry in spent]
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        after = epsilon([*before, Cost(cost.noise, cost.rate, cost.steps * middle)], settings.delta)
        low, high = (middle, high) if after <= settings.budget else (low, middle - 1)
    return low

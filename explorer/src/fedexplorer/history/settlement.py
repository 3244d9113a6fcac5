"""How a round was settled, and what follows from it for the accounts (`docs/protocol.md`, "Money")."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from fedprotocol.chain.read.events import Event
from fedprotocol.types import PenaltyReason, Phase, RoundView, VoidReason

from fedexplorer.history.records import Commit, Payment, Penalty, Place, Update, place

BPS = 10_000  # of the reward


@dataclass(frozen=True)
class Outcome:
    """How a round was settled; `at` is None while it is not. `written` is None while only time has decided."""

    at: int | None = None
    reason: VoidReason = VoidReason.NONE
    root: bytes | None = None
    aggregator: str | None = None
    written: Place | None = None

    @classmethod
    def of(cls, named: Mapping[str, Sequence[Event]], view: RoundView | None) -> Self:
        """What the round's events say, by their names; while they say nothing, what the contract's lens says."""
        for event in named["RoundFinalized"]:
            args = event.args
            return cls(args["at"], root=args["root"], aggregator=args["aggregator"], written=place(event))
        for event in named["RoundVoided"]:
            return cls(event.args["at"], event.args["reason"], written=place(event))
        if view is not None and view.phase is Phase.FINAL:
            return cls(view.phase_start, root=view.global_root, aggregator=view.aggregator)
        if view is not None and view.phase is Phase.VOID:
            return cls(view.phase_start, view.void_reason)
        return cls()


def payments_of(
    reward: int,
    aggregator_bps: int,
    outcome: Outcome,
    updates: Sequence[Update],
    attested: set[str],
    rewarded: Sequence[Event],
) -> tuple[Payment, ...]:
    """Who is paid how much of the reward; nobody unless the round is final. `attested`: the clients that voted."""
    if outcome.root is None:
        return ()
    credited = {event.args["client"]: place(event) for event in rewarded}
    total = sum(update.weight for update in updates)
    for_aggregator = reward * aggregator_bps // BPS
    found = [Payment(outcome.aggregator or "", for_aggregator, True, outcome.written)]
    for update in updates:
        if update.accepted and update.client in attested:
            amount = (reward - for_aggregator) * update.weight // total
            found.append(Payment(update.client, amount, False, credited.get(update.client)))
    return tuple(found)


def penalties_of(
    amount: int,
    outcome: Outcome,
    commits: Sequence[Commit],
    revealed: set[str],
    attested: set[str],
    unwanted: set[str],
    penalized: Sequence[Event],
) -> tuple[Penalty, ...]:
    """Who loses `amount` for what, in the order of the commitments; nobody while the round is not settled. `revealed`
    and `attested`: the clients that did, or need not have; `unwanted`: those whose masked update too few vouch for."""
    applied = {event.args["client"]: place(event) for event in penalized}
    faults = _faults(outcome, commits, revealed, attested, unwanted)
    return tuple(Penalty(client, amount, reason, applied.get(client)) for client, reason in faults)


def _faults(
    outcome: Outcome, commits: Sequence[Commit], revealed: set[str], attested: set[str], unwanted: set[str]
) -> Iterator[tuple[str, PenaltyReason]]:
    if outcome.at is None or outcome.reason is VoidReason.PRIOR_VOID:
        return
    has_revealed = outcome.reason is not VoidReason.TOO_FEW_COMMITS  # it came to the end of Reveal
    has_attested = has_revealed and outcome.reason is not VoidReason.TOO_FEW_REVEALS
    for commit in commits:
        if not commit.matches:
            yield commit.client, PenaltyReason.WRONG_PRIOR
        elif has_revealed and commit.client not in revealed:
            yield commit.client, PenaltyReason.NOT_REVEALED
        elif has_attested and commit.client not in attested:
            yield commit.client, PenaltyReason.NOT_ATTESTED
        elif outcome.reason is VoidReason.TOO_FEW_ACCEPTED and commit.client in unwanted:
            yield commit.client, PenaltyReason.NOT_ACCEPTED

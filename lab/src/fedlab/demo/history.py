"""What happened in the rounds, as the demo judges it, from the coordinator's log alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from fedexplorer.history.all_rounds import Rounds
from fedexplorer.history.log import Log
from fedexplorer.history.records import RoundHistory, Span
from fedprotocol.chain.read.events import Event
from fedprotocol.types import FederationConfig


@dataclass(frozen=True)
class FinalRound:
    """One final round. Accounts are checksummed addresses."""

    number: int
    root: bytes
    weights: dict[str, int]  # weight of the accepted updates
    recomputed_by: tuple[str, ...]  # accounts whose commit in the next round names this root
    dissenters: tuple[str, ...]  # accounts whose commit in the next round names another
    phases: tuple[Span, ...] = ()


@dataclass(frozen=True)
class History:
    """The federation so far. Money is in token units."""

    final: tuple[FinalRound, ...] = ()
    void: dict[int, str] = field(default_factory=dict)  # round -> why it was void
    rewards: dict[str, int] = field(default_factory=dict)  # account -> earned in final rounds, once credited
    bonds: dict[str, int] = field(default_factory=dict)  # account -> bonds it got back
    paid: dict[str, int] = field(default_factory=dict)  # account -> what it claimed
    penalties: tuple[tuple[int, str, str], ...] = ()  # round, account, reason
    convicted: tuple[tuple[int, str], ...] = ()  # round, proposer


def read_history(events: Iterable[Event], config: FederationConfig) -> History:
    """The history that follows from `events`, which are in the order of the log."""
    log = Log().extended(events)
    rounds = Rounds().then(log, config, log[-1].time if len(log) else 0, {}).all
    rewards: dict[str, int] = defaultdict(int)
    bonds: dict[str, int] = defaultdict(int)
    paid: dict[str, int] = defaultdict(int)
    for history in rounds:
        for payment in history.payments:
            if payment.credited is not None:
                rewards[payment.account] += payment.amount
        for proposal in history.proposals:
            if proposal.returned is not None:
                bonds[proposal.proposer] += proposal.bond
    for event in log.named("Claimed"):
        paid[event.args["account"]] += event.args["amount"]
    return History(
        final=tuple(_final(h, h.global_root, rounds[h.number :]) for h in rounds if h.global_root is not None),
        void={h.number: _words(h.void_reason.name) for h in rounds if h.void_reason},
        rewards=dict(rewards),
        bonds=dict(bonds),
        paid=dict(paid),
        penalties=tuple((h.number, p.client, _words(p.reason.name)) for h in rounds for p in h.penalties if p.applied),
        convicted=tuple((h.number, p.proposer) for h in rounds for p in h.proposals if p.conviction is not None),
    )


def _final(history: RoundHistory, root: bytes, later: tuple[RoundHistory, ...]) -> FinalRound:
    following = later[0].commits if later else ()
    return FinalRound(
        number=history.number,
        root=root,
        weights={update.client: update.weight for update in history.updates if update.accepted},
        recomputed_by=tuple(commit.client for commit in following if commit.prior_root == root),
        dissenters=tuple(commit.client for commit in following if commit.prior_root != root),
        phases=history.phases,
    )


def _words(name: str) -> str:
    return name.replace("_", " ").lower()

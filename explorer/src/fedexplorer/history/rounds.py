"""A round's history from its events (`docs/protocol.md`)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

from fedprotocol.chain.read.events import Event
from fedprotocol.types import FederationConfig, Phase, RoundView, VoidReason

from fedexplorer.history.phases import Acts, phases
from fedexplorer.history.records import (
    Commit,
    Conviction,
    Payment,
    Penalty,
    Place,
    Proposal,
    RoundHistory,
    Standing,
    Update,
    Vote,
)

BPS = 10_000  # of the reward


def read_round(
    number: int,
    events: Sequence[Event],
    config: FederationConfig,
    before: RoundHistory | None,
    now: int,
    view: RoundView | None = None,
) -> RoundHistory:
    """The history of round `number` as of `now`.

    Args:
        events: all that name the round, in the order of the log, its opening among them.
        before: the round before; None for the first.
        view: what the contract's lens says of the round now. It knows before the log that time has settled a round.
    """
    named = _by_name(events)
    opened = named["RoundOpened"][0]
    prior_settled: int | None = 0
    prior: bytes | None = config.genesis_root
    if before is not None:
        prior_settled, prior = before.settled_at, before.global_root or before.prior_root
    prior_root = None if prior_settled is None else prior
    commits = _commits(named["Committed"], prior_root)
    outcome = _Outcome.of(named, view, opened.args["reserved"] * config.aggregator_bps // BPS)
    votes = tuple(Vote(e.args["client"], e.args["bitmap"], place(e)) for e in named["Attested"])
    updates = _updates(named["Revealed"], votes)
    proposals = _proposals(named, outcome)
    live = [proposal for proposal in proposals if proposal.conviction is None]
    acts = Acts(
        opened=opened.time,
        train_end=opened.args["train_end"],
        active=opened.args["active"],
        commits=_first_times(named["Committed"]),
        matching=None if prior_root is None else sum(commit.matches is True for commit in commits),
        prior_settled=prior_settled,
        reveals=[update.place.time for update in updates],
        votes=[vote.place.time for vote in votes],
        live=_live(named["Proposed"], named["Convicted"]),
        oldest_window=live[0].window_end if live else None,
        settled=None if outcome.at is None else (outcome.at, Phase.FINAL if outcome.root else Phase.VOID),
    )
    spans = phases(acts, config, now)
    is_counted = any(span.phase >= Phase.AGGREGATE and span.phase is not Phase.VOID for span in spans)
    is_counted = is_counted or outcome.reason is VoidReason.TOO_FEW_ACCEPTED
    updates = _judged(updates) if is_counted else updates
    attested = {vote.client for vote in votes}
    payments = () if outcome.root is None else _payments(opened.args["reserved"], outcome, updates, attested, named)
    return RoundHistory(
        number=number,
        opened=place(opened),
        active=opened.args["active"],
        reserved=opened.args["reserved"],
        train_end=opened.args["train_end"],
        phases=spans,
        prior_root=prior_root,
        commits=commits,
        updates=updates,
        votes=votes,
        proposals=proposals,
        total_weight=sum(update.weight for update in updates),
        global_root=outcome.root,
        aggregator=outcome.aggregator,
        void_reason=outcome.reason,
        settled_at=outcome.at,
        settled=outcome.written,
        aggregator_reward=outcome.aggregator_reward,
        client_rewards=outcome.client_rewards,
        returned_to_pool=outcome.returned,
        payments=payments,
        penalties=tuple(
            Penalty(e.args["client"], e.args["amount"], e.args["reason"], place(e)) for e in named["Penalized"]
        ),
    )


def place(event: Event) -> Place:
    """Where an event stands."""
    return Place(event.time, event.block, event.tx_hash, event.log_index)


@dataclass(frozen=True)
class _Outcome:
    """How the round was settled; `at` is None while it is not. `written` is None while only time has decided."""

    at: int | None = None
    reason: VoidReason = VoidReason.NONE
    root: bytes | None = None
    aggregator: str | None = None
    written: Place | None = None
    aggregator_reward: int = 0
    client_rewards: int = 0
    returned: int = 0

    @classmethod
    def of(cls, named: dict[str, list[Event]], view: RoundView | None, fee: int) -> Self:
        """`fee`: what the aggregator of a final round is paid."""
        for event in named["RoundFinalized"]:
            args = event.args
            return cls(
                at=args["at"],
                root=args["root"],
                aggregator=args["aggregator"],
                written=place(event),
                aggregator_reward=args["aggregator_reward"],
                client_rewards=args["client_rewards"],
                returned=args["returned_to_pool"],
            )
        for event in named["RoundVoided"]:
            args = event.args
            return cls(args["at"], args["reason"], written=place(event), returned=args["returned_to_pool"])
        if view is not None and view.phase is Phase.FINAL:
            return cls(view.phase_start, root=view.global_root, aggregator=view.aggregator, aggregator_reward=fee)
        if view is not None and view.phase is Phase.VOID:
            return cls(view.phase_start, view.void_reason)
        return cls()


def _by_name(events: Sequence[Event]) -> dict[str, list[Event]]:
    named: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        named[event.name].append(event)
    return named


def _first_times(commits: Sequence[Event]) -> list[int]:
    first: dict[str, int] = {}
    for event in commits:
        first.setdefault(event.args["client"], event.time)
    return list(first.values())


def _commits(events: Sequence[Event], prior_root: bytes | None) -> tuple[Commit, ...]:
    last: dict[str, Event] = {}
    times: dict[str, int] = defaultdict(int)
    for event in events:
        last[event.args["client"]] = event
        times[event.args["client"]] += 1
    return tuple(
        Commit(
            client=client,
            prior_root=event.args["prior_root"],
            hash=event.args["hash"],
            place=place(event),
            matches=None if prior_root is None else event.args["prior_root"] == prior_root,
            replaced=times[client] - 1,
        )
        for client, event in last.items()
    )


def _updates(events: Sequence[Event], votes: Sequence[Vote]) -> tuple[Update, ...]:
    """The updates, in the order of reveals; whether they are accepted is not judged yet."""
    weights = {event.args["client"]: event.args["weight"] for event in events}
    yes = [event.args["weight"] for event in events]
    for vote in votes:
        for index, event in enumerate(events):
            if vote.bitmap >> index & 1 and event.args["client"] != vote.client:
                yes[index] += weights[vote.client]
    return tuple(
        Update(
            index=index,
            client=event.args["client"],
            root=event.args["root"],
            shift=event.args["shift"],
            examples=event.args["examples"],
            weight=event.args["weight"],
            loss_before=event.args["loss_before"],
            loss_after=event.args["loss_after"],
            place=place(event),
            yes=yes[index],
            accepted=None,
        )
        for index, event in enumerate(events)
    )


def _judged(updates: tuple[Update, ...]) -> tuple[Update, ...]:
    """With the verdicts at the end of Attest: an update is accepted if two thirds of the revealed weight vouch for it,
    and all that are vouched for hold two thirds together."""
    total = sum(update.weight for update in updates)
    vouched = [3 * update.yes >= 2 * total for update in updates]
    weight = sum(update.weight for update, good in zip(updates, vouched, strict=True) if good)
    enough = 3 * weight >= 2 * total
    return tuple(replace(update, accepted=good and enough) for update, good in zip(updates, vouched, strict=True))


def _live(proposed: Sequence[Event], convicted: Sequence[Event]) -> list[tuple[int, int]]:
    """How many proposals are live, from each time at which one was completed or convicted."""
    changes = [(event.block, event.log_index, event.time, 1) for event in proposed]
    changes += [(event.block, event.log_index, event.time, -1) for event in convicted]
    count, found = 0, []
    for _, _, time, change in sorted(changes):
        count += change
        found.append((time, count))
    return found


def _proposals(named: dict[str, list[Event]], outcome: _Outcome) -> tuple[Proposal, ...]:
    pages: dict[str, int] = {}
    for event in named["ProposalPaged"]:
        pages[event.args["proposer"]] = event.args["page"] + 1
    convictions = {event.args["root"]: event for event in named["Convicted"]}
    returned = {event.args["proposer"]: place(event) for event in named["BondReturned"]}
    found = []
    for event in named["Proposed"]:
        args = event.args
        conviction = None
        if (by := convictions.get(args["root"])) is not None:
            bounty = by.args["bounty"]
            conviction = Conviction(by.args["challenger"], bounty, args["bond"] - bounty, place(by))
        found.append(
            Proposal(
                proposer=args["proposer"],
                root=args["root"],
                bond=args["bond"],
                window_end=args["window_end"],
                pages=pages.get(args["proposer"], 0),
                place=place(event),
                standing=_standing(args["root"], conviction, outcome),
                conviction=conviction,
                returned=None if conviction is not None else returned.get(args["proposer"]),
            )
        )
    return tuple(found)


def _standing(root: bytes, conviction: Conviction | None, outcome: _Outcome) -> Standing:
    if conviction is not None:
        return Standing.CONVICTED
    if outcome.at is None:
        return Standing.LIVE
    return Standing.FINAL if root == outcome.root else Standing.LOST


def _payments(
    reward: int,
    outcome: _Outcome,
    updates: Sequence[Update],
    attested: set[str],
    named: dict[str, list[Event]],
) -> tuple[Payment, ...]:
    """Who is paid how much of the reward (`docs/protocol.md`, "Money")."""
    credited = {event.args["client"]: place(event) for event in named["Rewarded"]}
    total = sum(update.weight for update in updates)
    share = reward - outcome.aggregator_reward
    found = [Payment(outcome.aggregator or "", outcome.aggregator_reward, True, outcome.written)]
    for update in updates:
        if update.accepted and update.client in attested:
            amount = share * update.weight // total
            found.append(Payment(update.client, amount, False, credited.get(update.client)))
    return tuple(found)

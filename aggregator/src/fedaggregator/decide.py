"""What an aggregator does next: a pure function of the chain's state and of what the journal says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from fedprotocol.chain.snapshot import RoundState, Snapshot
from fedprotocol.chain.types import Phase, Proposal

MAX_LIVE = 8
UNMERGED = b""  # in the place of a root: the round's own global
MERGE_TRIES = 3  # of a round that is over


@dataclass(frozen=True)
class RoundFacts:
    """What this aggregator knows about one round."""

    own_root: bytes | None = None  # the global computed here, in the store
    confirmed: bool = True  # the inputs lie under enough blocks
    paging_root: bytes | None = None  # the global that the pages handed in so far are of
    reported: frozenset[bytes] = frozenset()  # wrong proposals whose first wrong leaf is known
    unreadable: frozenset[bytes] = frozenset()  # wrong proposals whose leaves could not be had
    failures: Mapping[bytes, int] = field(default_factory=dict)  # how often challenging, proposing or merging failed


@dataclass(frozen=True)
class Facts:
    """What this aggregator knows beyond the chain's snapshot."""

    rounds: Mapping[int, RoundFacts] = field(default_factory=dict)
    proposed: frozenset[int] = frozenset()  # rounds with a proposal of ours whose outcome is not collected
    pinned: frozenset[int] = frozenset()  # rounds whose inputs and global this store still pins
    keep_rounds: int = 8
    proposes: bool = True  # False: a watchtower
    sends: bool = True  # False: it has no key and only watches
    claim_rests: bool = False  # the last claim failed, not long ago


@dataclass(frozen=True)
class Merge:
    """Fetch the accepted updates, compute the next global, publish it in the store."""

    round: int


@dataclass(frozen=True)
class Report:
    """A live proposal differs from our own global: find its first wrong leaf and say so."""

    round: int
    proposal: Proposal


@dataclass(frozen=True)
class Challenge:
    """Prove a live proposal's first wrong leaf: build the case if it is not at hand, and send its next call."""

    round: int
    proposal: Proposal


@dataclass(frozen=True)
class Approve:
    """Let the coordinator take the bond."""

    amount: int


@dataclass(frozen=True)
class ProposePage:
    """Hand in one page of our global's leaf digests."""

    round: int
    page: int


@dataclass(frozen=True)
class Claim:
    """Take what is owed: our share, bonds, bounties. The coordinator settles what is due on the way."""

    settled: frozenset[int]  # rounds of ours that are over


@dataclass(frozen=True)
class Release:
    """Unpin the inputs and the global of a round that nobody can dispute or audit from here any more."""

    round: int


@dataclass(frozen=True)
class Wait:
    """Nothing to do. `until` is a chain time, or None where there is no deadline; `problem` needs a person."""

    reason: str
    until: int | None = None
    problem: bool = False


@dataclass(frozen=True)
class Done:
    """The federation opens no further round and everything of ours is collected."""

    reason: str


Action = Merge | Report | Challenge | Approve | ProposePage | Claim | Release | Wait | Done


def decide(snapshot: Snapshot, facts: Facts) -> Action:
    """The one next thing, rounds before money before tidying up; within a round the oldest first."""
    unsettled = [state for state in snapshot.rounds if not state.view.phase.settled]
    waits: list[Wait] = []
    for state in unsettled:
        action = _in_round(snapshot, state, facts.rounds.get(state.number, RoundFacts()), facts)
        if not isinstance(action, Wait):
            return action
        waits.append(action)
    if not facts.sends:
        for state in snapshot.rounds:
            known = facts.rounds.get(state.number, RoundFacts())
            if state.view.phase is Phase.FINAL and known.own_root is None and not given_up(known):
                return Merge(state.number)

    over = frozenset(n for n in facts.proposed if all(state.number != n for state in unsettled))
    is_owed = bool(over) or snapshot.my_owed > 0
    if is_owed and not facts.claim_rests:
        return Claim(over)
    oldest_kept = snapshot.last_opened - len(unsettled) - facts.keep_rounds
    outdated = [n for n in facts.pinned if n <= oldest_kept]
    if outdated:
        return Release(min(outdated))
    if waits:
        return next((wait for wait in waits if wait.problem), waits[0])
    if is_owed:
        return Wait("what is owed could not be claimed; it is tried again", problem=True)
    if snapshot.final_count >= snapshot.config.total_rounds:
        return Done(f"all {snapshot.final_count} rounds are final")
    if snapshot.closed:
        return Done(f"the sponsor closed the federation after {snapshot.final_count} final rounds")
    return Wait(f"round {snapshot.last_opened + 1} is not open yet")


def given_up(facts: RoundFacts) -> bool:
    """Whether the global of a round that is over cannot be computed here."""
    return facts.failures.get(UNMERGED, 0) >= MERGE_TRIES


def _in_round(snapshot: Snapshot, state: RoundState, facts: RoundFacts, powers: Facts) -> Action:
    n, view = state.number, state.view
    if view.phase not in (Phase.AGGREGATE, Phase.CHALLENGE):
        until = view.phase_end or None
        return Wait(f"round {n} is in {view.phase.name.capitalize()}, its inputs are not fixed yet", until)
    if not facts.confirmed:
        return Wait(f"round {n}'s inputs are fixed and wait for confirmations")
    if facts.own_root is None:
        return Merge(n)
    known = {facts.own_root, *facts.reported, *facts.unreadable}
    for proposal in state.proposals:
        is_mined = proposal.completed_at < snapshot.time  # before that, no log leads to its calldata
        if is_mined and proposal.root not in known:
            return Report(n, proposal)
    own = _own(snapshot, state, facts, powers.proposes)
    if not powers.sends:
        return own
    # The right one beside the wrong ones first. What failed gives way to the others.
    todo: list[tuple[bytes, Action]] = [] if isinstance(own, Wait) else [(facts.own_root, own)]
    wrong = [proposal for proposal in state.proposals if proposal.root in facts.reported - {facts.own_root}]
    todo += [(proposal.root, Challenge(n, proposal)) for proposal in wrong]
    return min(todo, key=lambda entry: facts.failures.get(entry[0], 0), default=(b"", own))[1]


def _own(snapshot: Snapshot, state: RoundState, facts: RoundFacts, proposes: bool) -> Action:
    """What our own global needs: to be proposed, or nothing."""
    n, end = state.number, state.view.phase_end or None
    if any(proposal.root == facts.own_root for proposal in state.proposals):
        return Wait(f"round {n}'s right global is proposed, its window is open", end)
    if not proposes:
        return Wait(f"watching: round {n}'s right global is not proposed yet", end)
    return _propose(snapshot, state, facts)


def _propose(snapshot: Snapshot, state: RoundState, facts: RoundFacts) -> Action:
    n = state.number
    if len(state.proposals) >= MAX_LIVE:
        return Wait(f"round {n} has {MAX_LIVE} live proposals, all wrong: one must be convicted first", problem=True)
    if snapshot.tokens < snapshot.bond:
        return Wait(
            f"round {n} needs a bond of {snapshot.bond} token units and {snapshot.account} has {snapshot.tokens}: "
            "send it tokens",
            problem=True,
        )
    if snapshot.allowance < snapshot.bond:
        return Approve(snapshot.bond)
    # Pages of another global (the inputs changed in a re-org) are no start: page 0 begins again.
    return ProposePage(n, state.my_pages if facts.paging_root == facts.own_root else 0)

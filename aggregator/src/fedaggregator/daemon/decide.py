"""What an aggregator does next: a pure function of the chain's state and of what the journal says.

`candidates` lists everything useful in order of urgency: the right proposal, then convictions by the end of their
windows, then merges, money, tidying up. `decide` takes the first that can be started now, so that what fails, waits or
takes long hides nothing but what cannot be done without it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from fedprotocol.chain.read.snapshot import RoundState, Snapshot
from fedprotocol.types import Phase

from fedaggregator.daemon.actions import (
    Action,
    Announce,
    Approve,
    BuildCase,
    Challenge,
    Claim,
    Done,
    Impeach,
    Interrupt,
    Lane,
    Merge,
    ProposePage,
    Release,
    Report,
    Resume,
    Work,
    lane,
)
from fedaggregator.daemon.facts import Facts, RoundFacts
from fedaggregator.daemon.waiting import waiting
from fedaggregator.disputes.judge import has_right_proposal, wrong_proposals

MERGE_TRIES = 3  # tries for a round that is over
CASES_AT_HAND = 8  # cases in memory, each with a leaf of every accepted update


def decide(snapshot: Snapshot, facts: Facts) -> Action:
    """The next action; `Wait` if nothing can be started now. Never returns what runs already or is paused."""
    ahead = list(candidates(snapshot, facts))
    going = facts.running - facts.stopped  # work that was told to stop and hangs keeps no other work waiting
    for work in going:
        if work not in ahead and not _is_being_built(snapshot, work):
            return Interrupt(work)
    busy = {lane(work): work for work in going}
    for place, action in enumerate(ahead):
        if action in facts.paused or action in facts.running:
            continue
        holder = busy.get(lane(action)) if isinstance(action, Work) else None
        if holder is None:
            return action
        less_urgent = lane(holder) is Lane.INPUTS and holder not in ahead[:place]
        if holder in facts.overdue or less_urgent:
            return Interrupt(holder)
    return waiting(snapshot, facts, ahead)


def candidates(snapshot: Snapshot, facts: Facts) -> Iterator[Action]:
    """Everything useful to do now, the most urgent first."""
    if facts.sends:
        yield from _right_proposals(snapshot, facts)
        yield from _impeachments(snapshot, facts)
    yield from _convictions(snapshot, facts)
    yield from _merges(snapshot, facts)
    if facts.sends:
        yield from _money(snapshot, facts)
    yield from _releases(snapshot, facts)
    if facts.sends and facts.announcement is not None and facts.proposed:  # who proposes nothing is not listened to
        yield Announce(facts.announcement)
    yield from _end(snapshot, facts)


def time_left(snapshot: Snapshot, action: Action) -> float:
    """Seconds until `action` comes too late; infinite if it never does."""
    if isinstance(action, Report | BuildCase | Challenge):
        return action.proposal.window_end - snapshot.time
    state = snapshot.round(action.round) if isinstance(action, Merge | Approve | ProposePage | Impeach) else None
    if state is None or state.view.phase.settled or not state.view.phase_end:
        return math.inf
    return state.view.phase_end - snapshot.time


def given_up(known: RoundFacts) -> bool:
    """Whether this program cannot compute the global of a round that is over."""
    return known.failed_merges >= MERGE_TRIES


def over(snapshot: Snapshot, facts: Facts) -> frozenset[int]:
    """Rounds in which we proposed and whose outcome can be collected."""
    unsettled = {state.number for state in snapshot.rounds if not state.view.phase.settled}
    return facts.proposed - unsettled


def _right_proposals(snapshot: Snapshot, facts: Facts) -> Iterator[Action]:
    """A root that differs from our own result is wrong. Nothing else need be known to propose the right one."""
    for state in snapshot.rounds:
        known = facts.round(state.number)
        if not facts.proposes or known.own_root is None or state.view.phase not in (Phase.AGGREGATE, Phase.CHALLENGE):
            continue
        if is_proposed(state, known) or any(p.proposer == snapshot.account for p in state.proposals):
            continue
        # A proposal names its inputs, so a re-org cannot make it wrong. If there is a wrong proposal, ours need not
        # wait.
        if (not known.confirmed and state.view.live == 0) or snapshot.tokens < snapshot.bond:
            continue
        if snapshot.allowance < snapshot.bond:
            yield Approve(state.number, snapshot.bond)
        else:
            # Pages of another global do not count (a re-org changed the inputs): start again with page 0.
            yield ProposePage(state.number, state.my_pages if known.paging_root == known.own_root else 0)


def is_proposed(state: RoundState, known: RoundFacts) -> bool:
    """Whether our global is a live proposal, no matter who proposed it."""
    return known.stands or has_right_proposal(state, known.own_root)


def _impeachments(snapshot: Snapshot, facts: Facts) -> Iterator[Action]:
    """Rounds whose updates add up to garbage become void. Nobody is paid for that."""
    for state in snapshot.rounds:
        if facts.round(state.number).garbage and not state.view.phase.settled:
            yield Impeach(state.number)


def _convictions(snapshot: Snapshot, facts: Facts) -> Iterator[Action]:
    wrong = [(s.number, p) for s in snapshot.rounds for p in wrong_proposals(s, facts.round(s.number).own_root)]
    at_hand = [Challenge(n, p) for n, p in wrong if p.root in facts.round(n).cases]
    if facts.sends:
        yield from at_hand
    for number, proposal in wrong:
        known = facts.round(number)
        if proposal.root not in known.reported:
            if proposal.completed_at < snapshot.time:  # before that, no block has its log
                yield Report(number, proposal)
        elif facts.sends and proposal.root not in known.cases and len(at_hand) < CASES_AT_HAND:
            yield BuildCase(number, proposal)


def _merges(snapshot: Snapshot, facts: Facts) -> Iterator[Action]:
    """The open rounds. Without a key also those that are over, to say whether they ended with the right global."""
    for state in sorted(snapshot.rounds, key=lambda state: state.view.phase.settled):
        known = facts.round(state.number)
        wanted = state.view.phase in (Phase.AGGREGATE, Phase.CHALLENGE)
        late = state.view.phase is Phase.FINAL and not facts.sends and not given_up(known)
        if known.own_root is None and not known.garbage and (wanted or late):
            yield Merge(state.number, state.view.inputs)


def _money(snapshot: Snapshot, facts: Facts) -> Iterator[Action]:
    settled = over(snapshot, facts)
    if settled or snapshot.my_owed > 0:
        yield Claim(settled)
    if facts.left_open:
        yield Resume()


def _releases(snapshot: Snapshot, facts: Facts) -> Iterator[Action]:
    unsettled = sum(not state.view.phase.settled for state in snapshot.rounds)
    oldest_kept = snapshot.last_opened - unsettled - facts.keep_rounds
    yield from (Release(number) for number in sorted(facts.pinned) if number <= oldest_kept)


def _end(snapshot: Snapshot, facts: Facts) -> Iterator[Action]:
    if facts.running - facts.stopped or any(not state.view.phase.settled for state in snapshot.rounds):
        return
    if any(True for _ in _merges(snapshot, facts)) or (facts.sends and any(True for _ in _money(snapshot, facts))):
        return
    if snapshot.final_count >= snapshot.config.total_rounds:
        yield Done(f"all {snapshot.final_count} rounds are final")
    elif snapshot.closed:
        yield Done(f"the sponsor closed the federation after {snapshot.final_count} final rounds")


def _is_being_built(snapshot: Snapshot, work: Work) -> bool:
    """Whether this prepares the proof against a live proposal, and there is room for it beside those that are ready."""
    if not isinstance(work, BuildCase):
        return False
    state = snapshot.round(work.round)
    return state is not None and state.view.phase is Phase.CHALLENGE and work.proposal in state.proposals

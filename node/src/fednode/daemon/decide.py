"""The next thing to do: a pure function of the chain's state and the node's facts.

`ORDER` lists when each action is due, by urgency: what the chain has a deadline for first, then the aggregate, then
training, then what interests only this site. `decide` takes the first that can be started now, so that what
fails, waits or takes long hides nothing but what cannot be done without it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from fedprotocol.chain.read.snapshot import Snapshot

from fednode.daemon.actions import registry as do
from fednode.daemon.actions.chain.money import is_unsettled
from fednode.daemon.disputes import disputes
from fednode.daemon.facts import Facts
from fednode.daemon.snapshot_questions import is_matching, unsettled
from fednode.daemon.waiting import ending, waiting


def decide(chain: Snapshot, facts: Facts) -> do.Action:
    """The next action; `Wait` if nothing can be started now. Never returns what runs already or is paused."""
    for work in facts.underway.running - facts.underway.stopped:
        if not work.still_wanted(chain, facts):
            return do.Interrupt(work)
    ahead = list(candidates(chain, facts))
    busy = {work.lane: work for work in facts.underway.occupying()}
    for place, action in enumerate(ahead):
        if action in facts.underway.paused or action in facts.underway.running:
            continue
        if isinstance(action, do.Finish) and _is_needed(chain, facts, ahead):
            continue
        if not isinstance(action, do.Work):
            return action
        holder = busy.get(action.lane)
        if holder is None:
            return action
        if holder not in facts.underway.stopped and _gives_way(facts, holder, ahead[:place]):
            return do.Interrupt(holder)
    return waiting(chain, facts, ahead)


def candidates(chain: Snapshot, facts: Facts) -> Iterator[do.Action]:
    """Everything useful to do now, the most urgent first."""
    for due in ORDER:
        yield from due(chain, facts)


def _gives_way(facts: Facts, holder: do.Work, before: Sequence[do.Action]) -> bool:
    """Whether the work in a lane makes room for what comes after `before`. Work for obligations and aggregates makes
    room for anything more urgent; other work only if it has run long enough."""
    if holder.lane is do.Lane.MODEL:
        return False
    return holder in facts.underway.overdue or (holder.lane is do.Lane.INPUTS and holder not in before)


def _is_needed(chain: Snapshot, facts: Facts, ahead: Sequence[do.Action]) -> bool:
    """Whether the node must not end, because something runs, or an open round has wrong proposals that it may still
    convict."""
    open_rounds = {state.number for state in unsettled(chain)}
    owed = any(action.keeps_node_running and action.round_number in open_rounds for action in ahead)
    return bool(facts.underway.occupying()) or owed


def _end(chain: Snapshot, facts: Facts) -> Iterator[do.Action]:
    if any(is_matching(state) for state in unsettled(chain)):
        return  # leaving now would cost stake
    seat = chain.my_seat
    if facts.failure:
        yield do.Finish(facts.failure, failure=True)
    elif chain.is_over:
        if not (facts.configured.auto_claim and (chain.my_owed or is_unsettled(chain, facts))):
            yield do.Finish(ending(chain))
    elif seat.active_from == 0:
        yield do.Finish("this account holds no seat; take one with `fednode join`", failure=True)
    elif seat.exited and not seat.active_in(chain.last_opened + 1) and not unsettled(chain):
        yield do.Finish(
            "this account has left the federation, or was dropped after rounds that it missed; `fednode exit` takes "
            "back the stake, and `fednode join` then takes a seat again"
        )


ORDER: tuple[Callable[[Snapshot, Facts], Iterator[do.Action]], ...] = (
    do.Reveal.due,  # what costs stake if it is late
    do.FixMembers.due,
    do.Mask.due,
    do.Publish.due,
    do.Attest.due,
    do.CheckInputs.due,
    do.Drop.due,  # before the next round opens, which counts whom it waits for
    do.Suspend.due,
    do.Commit.due,
    do.Impeach.due,  # the aggregate
    do.Propose.due,
    do.Recompute.due,
    do.Abandon.due,
    do.TopUp.due,
    do.Settle.due,
    do.Claim.due,
    do.Train.due,
    do.Evaluate.due,  # what interests only this site
    do.TrainSolo.due,
    do.EvaluateSolo.due,
    disputes,
    do.Claim.bounty_due,
    do.Release.due,
    do.Erase.due,
    do.Announce.due,
    _end,
)

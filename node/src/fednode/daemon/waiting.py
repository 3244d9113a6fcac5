"""What a node says while it has nothing to start: what it waits for, until when, and what comes then."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from fedprotocol.chain.amounts import Amounts
from fedprotocol.chain.read.snapshot import RoundState, Snapshot
from fedprotocol.types import Phase

from fednode.daemon.actions import action as do
from fednode.daemon.facts import Facts
from fednode.daemon.snapshot_questions import (
    Obstacle,
    Standing,
    deadline,
    is_matching,
    obstacle,
    standing,
    target_round,
    unsettled,
)
from fednode.daemon.wait_reason import Cause


def waiting(chain: Snapshot, facts: Facts, ahead: Sequence[do.Action]) -> do.Wait:
    """The sentence for the status. `ahead`: everything useful, the most urgent first, of which nothing can be started.

    Times are the chain's, 0 where there is no deadline.
    """
    owed = [action for action in ahead if action.is_owed]
    for action in (*owed, *facts.underway.running, *ahead):
        held_up = _held_up(chain, facts, action)
        if held_up is not None:
            return held_up
    states = unsettled(chain)
    newest = states[-1] if states else None
    if facts.configured.forbidden and _may_matter(chain, newest):
        return _forbidden(chain, facts)
    if facts.configured.alone and target_round(chain) is not None:
        what = f"peers, before it trains and commits: {facts.configured.alone}"
        return do.Wait(Cause.ALONE, what, deadline(chain), "train and commit")
    if newest is not None:
        return _in_round(chain, facts, newest)
    spoiled = _spoiled(chain, facts)
    if spoiled is not None:
        return spoiled
    return _without_round(chain, facts.configured.amounts)


def _held_up(chain: Snapshot, facts: Facts, action: do.Action) -> do.Wait | None:
    """Why `action`, which would be useful, cannot be started; None if the node does not wait for it."""
    setback = facts.underway.failing.get(action)
    if not action.is_waited_for:
        return None
    if isinstance(action, do.Finish):  # held up by whatever runs, or by what is in `ahead` before it
        works = ", ".join(sorted(work.describe() for work in facts.underway.occupying()))
        return do.Wait(Cause.WORK, works, 0, f"end: {action.reason}") if works else None
    if isinstance(action, do.Work) and action in facts.underway.running:
        return do.Wait(Cause.WORK, action.describe(), deadline(chain), action.leads_to)
    if setback is not None and setback.too_early:
        return do.Wait(Cause.DEPTH, setback.why, deadline(chain), action.describe())
    if setback is not None and setback.for_good:
        what = f"another round or a restart: {action.describe()} failed and would again: {setback.why}"
        return do.Wait(Cause.GIVEN_UP, what, deadline(chain), "")
    if setback is not None:
        what = f"the next try at {action.describe()}, which failed: {setback.why}"
        return do.Wait(Cause.RETRY, what, deadline(chain), "")
    if action in facts.underway.paused:
        return action.why_left_alone(chain, facts)
    if not isinstance(action, do.Work):
        return None
    before = [work for work in facts.underway.occupying() if work.lane is action.lane]
    return do.Wait(Cause.WORK, before[0].describe(), deadline(chain), action.describe()) if before else None


def _in_round(chain: Snapshot, facts: Facts, state: RoundState) -> do.Wait:
    """The newest round is open."""
    number, view, end = state.number, state.view, state.view.phase_end
    aside = _aside(chain, facts, state) or _garbage(chain, facts, state)
    if aside is not None:
        return aside
    match view.phase:
        case Phase.TRAIN:
            what = f"the other commits of round {number} ({view.committed} of {view.active})"
            return do.Wait(Cause.COMMITS, what, end, "reveal")
        case Phase.WAITING:
            before = chain.round(number - 1)
            until = before.view.phase_end if before is not None else 0
            return do.Wait(Cause.PRIOR, f"the settlement of round {number - 1}", until, f"reveal in round {number}")
        case Phase.REVEAL:
            what = f"the other reveals of round {number} ({view.revealed} of {view.matching})"
            return do.Wait(Cause.REVEALS, what, end, "attest")
        case Phase.ATTEST:
            what = f"the other attestations of round {number} ({view.attested} of {view.revealed})"
            return do.Wait(Cause.ATTESTATIONS, what, end, "recompute the aggregate")
        case Phase.AGGREGATE:
            return _unproposed(chain, facts, state)
        case Phase.CHALLENGE:
            what = f"the end of round {number}'s challenge window"
            return do.Wait(Cause.WINDOW, what, end, _after(facts, "its settlement"))
        case Phase.NONE | Phase.FINAL | Phase.VOID:
            raise ValueError(f"round {number} is in {view.phase.name}: not open")
        case _:
            assert_never(view.phase)


def _garbage(chain: Snapshot, facts: Facts, state: RoundState) -> do.Wait | None:
    """The open round should become void, or the global that it starts from should not have become final."""
    number, garbage = state.number, facts.remembered.garbage
    if number in garbage:
        what = f"round {number} to become void, because its updates add up to garbage"
        return do.Wait(Cause.GARBAGE, what, state.view.phase_end, _next(chain, facts, number))
    return _spoiled(chain, facts) if state.my_commitment is None else None


def _spoiled(chain: Snapshot, facts: Facts) -> do.Wait | None:
    final = chain.latest_final[0]
    if final not in facts.remembered.garbage:
        return None
    what = (
        f"a person: round {final} became final although its updates add up to garbage, and nobody should train on "
        "that: tell the sponsor, and go on in a federation that begins with an earlier global (`fednode spec next`)"
    )
    return do.Wait(Cause.GARBAGE, what, 0, "")


def _unproposed(chain: Snapshot, facts: Facts, state: RoundState) -> do.Wait:
    number, begun = state.number, state.view.phase_start
    turn = begun + facts.configured.propose_after
    if number in facts.remembered.recomputed and chain.time < turn:
        return do.Wait(Cause.PROPOSAL, f"a proposal in round {number}", turn, "propose the aggregate itself")
    end = begun + chain.config.abandon_after
    return do.Wait(Cause.PROPOSAL, f"a proposal in round {number}", end, _after(facts, "abandon the round"))


def _after(facts: Facts, usual: str) -> str:
    """What comes once the last open round is over, if it is not the `usual`."""
    if facts.failure:
        return f"end: {facts.failure}"
    return usual


def _aside(chain: Snapshot, facts: Facts, state: RoundState) -> do.Wait | None:
    """The account takes no part in the open round, or not any more; None if it does, or nothing is lost by that."""
    number, view, seat = state.number, state.view, chain.my_seat
    if view.phase in (Phase.AGGREGATE, Phase.CHALLENGE) or state.my_index is not None:
        return None
    where = standing(chain)
    if state.my_commitment is None:
        if where is Standing.SUSPENDED:
            return _suspended(chain, facts.configured.amounts)
        if where is Standing.LEFT:
            what = f"the end of round {number}, before which it cannot take back its stake"
            return do.Wait(Cause.LEFT, what, view.phase_end, "end; then `fednode exit` gives back the stake")
        is_seated = seat.active_in(number)
        why = facts.failure or "it did not commit" if is_seated else f"its seat begins with round {seat.active_from}"
    elif not is_matching(state):
        why = "its commitment builds on another global than the round does, which costs the penalty"
        return do.Wait(Cause.FORFEIT, _without(number, why), view.phase_end, _next(chain, facts, number))
    elif view.phase is Phase.REVEAL and not _can_reveal(facts, state):
        why = "its commitment is of an update that is not in the journal, which costs the penalty"
        return do.Wait(Cause.FORFEIT, _without(number, why), view.phase_end, _next(chain, facts, number))
    elif view.phase is Phase.ATTEST:
        why = "it did not reveal in time, which costs the penalty"
    else:
        return None
    return do.Wait(Cause.ASIDE, _without(number, why), view.phase_end, _next(chain, facts, number))


def _can_reveal(facts: Facts, state: RoundState) -> bool:
    own = facts.remembered.updates.get(state.number)
    return own is not None and state.my_commitment is not None and state.my_commitment.hash in own.revealable


def _without(number: int, why: str) -> str:
    return f"round {number} to go on without this account ({why})"


def _next(chain: Snapshot, facts: Facts, number: int) -> str:
    return _after(facts, f"train for round {max(number + 1, chain.my_seat.active_from)}")


def _suspended(chain: Snapshot, amounts: Amounts) -> do.Wait:
    missing = amounts.needed(max(0, chain.config.min_stake - chain.settled_seat.stake))
    return do.Wait(
        Cause.SUSPENDED, f"{missing} more stake, its seat is suspended: stop it and run `fednode join`", 0, "train"
    )


def _may_matter(chain: Snapshot, newest: RoundState | None) -> bool:
    """Whether something of this account would still leave, in the newest open round or in the next one."""
    if newest is None and target_round(chain) is not None:  # also an account that leaves with a later round
        return True
    return standing(chain) is Standing.ACTIVE and (newest is None or newest.my_index is None)


def _forbidden(chain: Snapshot, facts: Facts) -> do.Wait:
    """The site's policy lets nothing leave. An update that was committed to before stays here, too."""
    owed = [state for state in unsettled(chain) if is_matching(state) and state.my_index is None]
    costs = f" (not revealing in round {owed[-1].number} costs the penalty)" if owed else ""
    what = f"this site's policy to let updates leave{costs}: {facts.configured.forbidden}"
    return do.Wait(Cause.FORBIDDEN, what, deadline(chain), "train and commit")


def _without_round(chain: Snapshot, amounts: Amounts) -> do.Wait:
    """No round is open, and this account cannot open the next one."""
    coming = chain.last_opened + 1
    match standing(chain):
        case Standing.SUSPENDED:
            return _suspended(chain, amounts)
        case Standing.EARLY:
            return do.Wait(Cause.SEAT, f"round {chain.my_seat.active_from}, with which its seat begins", 0, "train")
        case Standing.NONE | Standing.LEFT | Standing.ACTIVE:
            pass
    found = obstacle(chain)
    cause = Cause.POOL if found is Obstacle.POOL else Cause.CLIENTS
    return do.Wait(cause, f"round {coming} to open: {describe_obstacle(found, chain, amounts)}", 0, "train and commit")


def describe_obstacle(found: Obstacle, chain: Snapshot, amounts: Amounts) -> str:
    """Why the next round cannot open, and who can change that."""
    config = chain.config
    match found:
        case Obstacle.NONE:
            return "it opens with the first commit"
        case Obstacle.INPUTS:
            return f"round {chain.last_opened} still takes inputs"
        case Obstacle.CLOSED:
            return f"the sponsor closed the federation after {chain.final_count} final rounds"
        case Obstacle.LAST:
            return f"the last of {config.total_rounds} rounds is open"
        case Obstacle.COMPLETE:
            return f"all {config.total_rounds} rounds are final"
        case Obstacle.CLIENTS:
            return f"{chain.active_count} of at least {config.min_clients} clients have joined"
        case Obstacle.POOL:
            return (
                f"the pool holds {amounts(chain.balances.pool)} and a round needs "
                f"{amounts.needed(config.round_reward)}, which the sponsor puts in with `fednode federation fund`"
            )
        case _:
            assert_never(found)


def ending(chain: Snapshot) -> str:
    """Why no further round opens, of a federation that is over."""
    if chain.final_count >= chain.config.total_rounds:
        return "the federation is complete"
    return describe_obstacle(Obstacle.CLOSED, chain, Amounts(0, ""))

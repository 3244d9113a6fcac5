"""The one next thing to do: a pure function of the chain's state and the node's facts.

`candidates` lists everything useful in order of urgency: what the chain has a deadline for first, then the aggregate,
then training, then what only this site is interested in. `decide` takes the first that can be started now, so that what
fails, rests or takes long hides nothing but what cannot be done without it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fedprotocol.chain.read.snapshot import RoundState, Snapshot
from fedprotocol.types import Phase

from fednode.daemon import actions as do
from fednode.daemon.aggregation import abandonments, disputes, recomputations, right_proposals
from fednode.daemon.attesting import gives_up_at
from fednode.daemon.facts import Facts, Verdict
from fednode.daemon.stopping import still_wanted
from fednode.daemon.view import (
    expected_prior,
    is_matching,
    is_over,
    target_round,
    unsettled,
)
from fednode.daemon.waiting import ending, waiting

DEFENCE = do.Commit | do.Reveal | do.Attest | do.Propose | do.JudgeProposal | do.BuildCase | do.Challenge
"""Of an open round: the node does not end while there is any of it to do."""


def decide(chain: Snapshot, facts: Facts) -> do.Action:
    """The next action; `Wait` if nothing can be started now. Never returns what runs already or rests."""
    for work in facts.running - facts.stopped:
        if not still_wanted(chain, facts, work):
            return do.Interrupt(work)
    ahead = list(candidates(chain, facts))
    busy = {do.lane(work): work for work in facts.occupying()}
    for place, action in enumerate(ahead):
        if action in facts.resting or action in facts.running:
            continue
        if isinstance(action, do.Finish) and _is_needed(chain, facts, ahead):
            continue
        if not isinstance(action, do.Work):
            return action
        holder = busy.get(do.lane(action))
        if holder is None:
            return action
        if holder not in facts.stopped and _gives_way(facts, holder, ahead[:place]):
            return do.Interrupt(holder)
    return waiting(chain, facts, ahead)


def candidates(chain: Snapshot, facts: Facts) -> Iterator[do.Action]:
    """Everything useful to do now, the most urgent first."""
    yield from _obligations(chain, facts)
    yield from right_proposals(chain, facts)
    yield from recomputations(chain, facts)
    yield from abandonments(chain)
    yield from _money(chain, facts)
    if not facts.failure:
        yield from _training(chain, facts)
        yield from _site(chain, facts)
    yield from disputes(chain, facts)
    yield from _bounty(chain, facts)
    yield from _release(chain, facts)
    yield from _end(chain, facts)


def _gives_way(facts: Facts, holder: do.Work, before: Sequence[do.Action]) -> bool:
    """Whether the work that has a lane leaves it to what comes after `before`: of what obligations and aggregates are
    made of, to whatever is more urgent; otherwise only if it has had its time."""
    if do.lane(holder) is do.Lane.MODEL:
        return False
    return holder in facts.overdue or (do.lane(holder) is do.Lane.INPUTS and holder not in before)


def _is_needed(chain: Snapshot, facts: Facts, ahead: Sequence[do.Action]) -> bool:
    """Whether the node must not end: something runs, or an open round has lies in it that it may yet convict."""
    open_rounds = {state.number for state in unsettled(chain)}
    owed = any(isinstance(action, DEFENCE) and action.round in open_rounds for action in ahead)
    return bool(facts.occupying()) or owed


def _obligations(chain: Snapshot, facts: Facts) -> Iterator[do.Action]:
    """What costs stake if it is late: reveal, attest, commit."""
    for state in unsettled(chain):
        if state.view.phase is Phase.REVEAL and is_matching(state) and state.my_index is None:
            own = facts.updates.get(state.number)
            if own is not None and state.my_commitment is not None and state.my_commitment.hash in own.revealable:
                yield do.Reveal(state.number)
        if state.view.phase is Phase.ATTEST and state.my_index is not None:
            yield from _attestation(chain, facts, state)
    target = target_round(chain)
    if target is not None:
        own = facts.updates.get(target)
        opened = chain.round(target)
        commitment = opened.my_commitment if opened is not None else None
        fits = own is not None and own.prior_root == expected_prior(chain, facts, target)
        if own is not None and fits and (commitment is None or commitment.hash != own.commit_hash):
            yield do.Commit(target)


def _attestation(chain: Snapshot, facts: Facts, state: RoundState) -> Iterator[do.Action]:
    if state.my_index is None or state.updates[state.my_index].attested:
        return
    checked = facts.checked.get(state.number)
    verdicts = checked.verdicts if checked is not None and checked.inputs_hash == state.view.inputs_hash else {}
    open_indices = [i for i in range(len(state.updates)) if verdicts.get(i, Verdict.ABSENT) is Verdict.ABSENT]
    if not open_indices or chain.time >= gives_up_at(chain.account, state, facts.attest_margin):
        bitmap = sum(1 << i for i, verdict in verdicts.items() if verdict is Verdict.GOOD)
        yield do.Attest(state.number, state.view.inputs_hash, bitmap)
    if open_indices:
        yield do.CheckInputs(state.number, state.view.inputs_hash)


def _money(chain: Snapshot, facts: Facts) -> Iterator[do.Action]:
    if not (facts.auto_claim and is_over(chain)):
        return
    if chain.my_seat.pending_old or chain.my_seat.pending_new or facts.proposed:
        yield do.Settle()
    elif chain.my_owed > 0:
        yield do.Claim()


def _bounty(chain: Snapshot, facts: Facts) -> Iterator[do.Action]:
    if facts.has_bounty and chain.my_owed > 0:
        yield do.Claim()


def _training(chain: Snapshot, facts: Facts) -> Iterator[do.Action]:
    target = target_round(chain)
    if target is None:
        return
    prior = expected_prior(chain, facts, target)
    own = facts.updates.get(target)
    if prior is None or (own is not None and own.prior_root == prior):
        return
    if prior in facts.held():
        yield do.Train(target, prior)
    else:
        yield do.FetchGlobal(target - 1, prior)


def _site(chain: Snapshot, facts: Facts) -> Iterator[do.Action]:
    """What only this site is interested in; it fills the time in which the node waits."""
    if facts.has_test:
        known = {**facts.recomputed, **facts.fetched}
        for number in sorted(known, reverse=True):
            if facts.evaluated.get(number) != known[number]:
                yield do.Evaluate(number, known[number])
    if facts.solo:
        missing = sorted(facts.trained - facts.solo_trained)
        if missing:
            yield do.TrainSolo(missing[0])
        elif facts.solo_test and is_over(chain) and facts.solo_trained:
            newest = max(facts.solo_trained)
            if newest not in facts.solo_evaluated:
                yield do.EvaluateSolo(newest)


def _release(chain: Snapshot, facts: Facts) -> Iterator[do.Action]:
    """Old rounds, once a later global is final: until then theirs may be what the next round starts from."""
    oldest_kept = min(chain.last_opened - len(unsettled(chain)) - facts.keep_rounds + 1, chain.latest_final[0])
    outdated = [number for number in facts.kept() if number < oldest_kept]
    if outdated:
        yield do.Release(min(outdated), facts.merged.get(min(outdated), frozenset()))


def _end(chain: Snapshot, facts: Facts) -> Iterator[do.Action]:
    if any(is_matching(state) for state in unsettled(chain)):
        return  # leaving now would cost stake
    seat = chain.my_seat
    if facts.failure:
        yield do.Finish(facts.failure, failure=True)
    elif is_over(chain):
        if not (facts.auto_claim and (chain.my_owed or seat.pending_old or seat.pending_new or facts.proposed)):
            yield do.Finish(ending(chain))
    elif seat.active_from == 0:
        yield do.Finish("this account holds no seat; take one with `fednode join`", failure=True)
    elif seat.exited and not seat.active_in(chain.last_opened + 1) and not unsettled(chain):
        yield do.Finish("this account has left the federation; `fednode exit` takes back the stake")

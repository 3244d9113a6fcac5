"""The one next thing to do: a pure function of the chain's state and the node's facts.

`candidates` lists everything useful in order of urgency: what the chain has a deadline for first, then the aggregate,
then training, then what only this site is interested in. `decide` takes the first that can be started now.
"""

from __future__ import annotations

from collections.abc import Iterator

from fedprotocol.chain.snapshot import RoundState, Snapshot
from fedprotocol.chain.types import Phase

from fednode.daemon import actions as do
from fednode.daemon.attesting import gives_up_at
from fednode.daemon.facts import Facts, Verdict
from fednode.daemon.view import (
    expected_prior,
    is_matching,
    is_over,
    target_round,
    turn,
    unsettled,
)
from fednode.daemon.waiting import ending, waiting

MAX_LIVE_PROPOSALS = 8


def decide(chain: Snapshot, facts: Facts) -> do.Action:
    """The next action; `Wait` if nothing can be started now. Never returns what runs already or rests."""
    model_work = next((work for work in facts.running if isinstance(work, do.ModelAction)), None)
    fetch_busy = any(isinstance(work, do.FetchAction) for work in facts.running)
    if model_work is not None:
        interrupt = do.Interrupt(model_work)
        if not _still_wanted(chain, facts, model_work) and interrupt not in facts.resting:
            return interrupt
    ahead = list(candidates(chain, facts))
    for action in ahead:
        if action in facts.resting or action in facts.running:
            continue
        if isinstance(action, do.FetchAction) and fetch_busy:
            continue
        if isinstance(action, do.ModelAction) and model_work is not None:
            continue
        if isinstance(action, do.Finish) and facts.running:
            continue
        return action
    return waiting(chain, facts, ahead)


def candidates(chain: Snapshot, facts: Facts) -> Iterator[do.Action]:
    """Everything useful to do now, the most urgent first."""
    yield from _obligations(chain, facts)
    yield from _aggregation(chain, facts)
    yield from _money(chain, facts)
    if not facts.failure:
        yield from _training(chain, facts)
        yield from _site(chain, facts)
    yield from _disputes(chain, facts)
    yield from _release(chain, facts)
    yield from _end(chain, facts)


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


def _aggregation(chain: Snapshot, facts: Facts) -> Iterator[do.Action]:
    """Know the aggregate oneself, hold every proposal to it, hand it in if nobody does."""
    for state in chain.rounds:
        number, view = state.number, state.view
        if view.phase not in (Phase.AGGREGATE, Phase.CHALLENGE, Phase.FINAL):
            continue
        if number not in facts.recomputed:
            if view.prior_root in facts.held():
                yield do.Recompute(number, view.inputs)
            elif view.phase is not Phase.FINAL:
                yield do.FetchGlobal(number - 1, view.prior_root)
        if view.phase is Phase.FINAL:
            if view.global_root not in facts.held():
                yield do.FetchGlobal(number, view.global_root)
            continue
        if number in facts.recomputed:
            yield from _proposals(chain, facts, state)
        if view.phase is Phase.AGGREGATE and chain.time >= view.phase_start + chain.config.abandon_after:
            yield do.Abandon(number)


def _proposals(chain: Snapshot, facts: Facts, state: RoundState) -> Iterator[do.Action]:
    own_root = facts.recomputed[state.number]
    live = [proposal.root for proposal in state.proposals]
    for proposal in state.proposals:
        is_mined = proposal.completed_at < chain.time  # before that, no log leads to its calldata
        if is_mined and (state.number, proposal.root) not in facts.judged:
            yield do.JudgeProposal(state.number, proposal.proposer, proposal.root, own_root)
    mine_stands = any(proposal.proposer == chain.account for proposal in state.proposals)
    if own_root in live or mine_stands or len(live) >= MAX_LIVE_PROPOSALS:
        return
    wrong_stands = any(facts.judged.get((state.number, root)) is False for root in live)
    overdue = not live and chain.time >= state.view.phase_start + facts.propose_after
    if wrong_stands or overdue:
        yield do.Propose(state.number)


def _disputes(chain: Snapshot, facts: Facts) -> Iterator[do.Action]:
    """Convict what is wrong, and collect for it; the node's own training has begun by then."""
    for state in unsettled(chain):
        if state.view.phase is not Phase.CHALLENGE:
            continue
        for proposal in state.proposals:
            key = (state.number, proposal.root)
            if facts.judged.get(key) is not False:
                continue
            if key not in facts.provable:  # its leaves could not be read; perhaps now
                yield do.JudgeProposal(state.number, proposal.proposer, proposal.root, facts.recomputed[state.number])
            elif key not in facts.cases:
                yield do.BuildCase(state.number, proposal.proposer, proposal.root)
            elif chain.time >= turn(chain, state, proposal) + facts.challenge_after:
                yield do.Challenge(*key)
    if facts.has_bounty and chain.my_owed > 0:
        yield do.Claim()


def _money(chain: Snapshot, facts: Facts) -> Iterator[do.Action]:
    if not (facts.auto_claim and is_over(chain)):
        return
    if chain.my_seat.pending_old or chain.my_seat.pending_new:
        yield do.Settle()
    elif chain.my_owed > 0:
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
        if not (facts.auto_claim and (chain.my_owed or seat.pending_old or seat.pending_new)):
            yield do.Finish(ending(chain))
    elif seat.active_from == 0:
        yield do.Finish("this account holds no seat; take one with `fednode join`", failure=True)
    elif seat.exited and not seat.active_in(chain.last_opened + 1) and not unsettled(chain):
        yield do.Finish("this account has left the federation; `fednode exit` takes back the stake")


def _still_wanted(chain: Snapshot, facts: Facts, work: do.ModelAction) -> bool:
    """Whether work of the model should go on: training for its round, anything else unless training is urgent."""
    target = target_round(chain)
    prior = None if target is None else expected_prior(chain, facts, target)
    if isinstance(work, do.Train):
        state = chain.round(work.round)
        if state is not None and state.view.phase is not Phase.TRAIN:
            return False
        return target is None or prior is None or (target, prior) == (work.round, work.prior_root)
    own = None if target is None else facts.updates.get(target)
    if target is None or prior is None or (own is not None and own.prior_root == prior):
        return True
    state = chain.round(target)
    if state is None or state.view.phase.settled:
        return True
    return chain.time + 2 * facts.train_seconds < state.view.phase_end

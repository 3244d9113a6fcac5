"""What a node does about aggregates: know each one itself, hand in the right one, convict every other."""

from __future__ import annotations

from collections.abc import Iterator

from fedaggregator.daemon.decide import CASES_AT_HAND
from fedaggregator.disputes.judge import has_right_proposal, wrong_proposals
from fedprotocol.chain.read.snapshot import RoundState, Snapshot
from fedprotocol.types import Phase

from fednode.daemon import actions as do
from fednode.daemon.facts import Facts
from fednode.daemon.view import turn, unsettled


def right_proposals(chain: Snapshot, facts: Facts) -> Iterator[do.Action]:
    """A root that differs from the own recomputation is wrong: the own one goes beside it at once, nothing else need be
    known. While none is live, after a while."""
    for state in unsettled(chain):
        number, view = state.number, state.view
        if view.phase not in (Phase.AGGREGATE, Phase.CHALLENGE):
            continue
        own_root = facts.recomputed.get(number)
        if own_root is None or stands(state, own_root, facts) or _mine(chain, state):
            continue
        if view.live > 0 or chain.time >= view.phase_start + facts.propose_after:
            yield do.Propose(number)


def recomputations(chain: Snapshot, facts: Facts) -> Iterator[do.Action]:
    """Every aggregate from own verified copies; of a round that is over last, nothing depends on it."""
    for state in unsettled(chain):
        if state.view.phase in (Phase.AGGREGATE, Phase.CHALLENGE) and state.number not in facts.recomputed:
            if state.view.prior_root in facts.held():
                yield do.Recompute(state.number, state.view.inputs)
            else:
                yield do.FetchGlobal(state.number - 1, state.view.prior_root)
    final = [state for state in chain.rounds if state.view.phase is Phase.FINAL]
    for state in final:
        if state.view.global_root not in facts.held():
            yield do.FetchGlobal(state.number, state.view.global_root)
    for state in final:
        if state.number not in facts.recomputed and state.view.prior_root in facts.held():
            yield do.Recompute(state.number, state.view.inputs)


def abandonments(chain: Snapshot) -> Iterator[do.Action]:
    """What nobody aggregated, in the end."""
    for state in unsettled(chain):
        due = state.view.phase_start + chain.config.abandon_after
        if state.view.phase is Phase.AGGREGATE and chain.time >= due:
            yield do.Abandon(state.number)


def disputes(chain: Snapshot, facts: Facts) -> Iterator[do.Action]:
    """Convict what is wrong, by the end of its window; then say whether what is right is. A case is built when its turn
    has come: by then others may have convicted."""
    own = facts.recomputed
    lies = [(state, lie) for state in unsettled(chain) for lie in wrong_proposals(state, own.get(state.number))]
    at_hand = [(state.number, lie.root) for state, lie in lies if (state.number, lie.root) in facts.cases]
    for state, lie in lies:
        key = (state.number, lie.root)
        has_turn = chain.time >= turn(chain, state, lie) + facts.challenge_after
        if key in facts.cases:
            if has_turn:
                yield do.Challenge(*key)
        elif key not in facts.provable:  # not read yet, or its leaves could not be read; perhaps now
            if lie.completed_at < chain.time:  # before that, no log of it is in a block
                yield do.JudgeProposal(state.number, lie.proposer, lie.root, own[state.number])
        elif has_turn and len(at_hand) < CASES_AT_HAND:
            yield do.BuildCase(state.number, lie.proposer, lie.root)
    for state in unsettled(chain):
        for proposal in state.proposals:
            own_root = own.get(state.number)
            if proposal.root == own_root and (state.number, proposal.root) not in facts.judged:
                yield do.JudgeProposal(state.number, proposal.proposer, proposal.root, own_root)


def stands(state: RoundState, own_root: bytes, facts: Facts) -> bool:
    """Whether the own aggregate is live, whoever proposed it."""
    return state.number in facts.unseen or has_right_proposal(state, own_root)


def _mine(chain: Snapshot, state: RoundState) -> bool:
    """Whether this account has its one proposal of the round."""
    return any(proposal.proposer == chain.account for proposal in state.proposals)

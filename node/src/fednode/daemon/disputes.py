"""When live proposals are judged, proved wrong and challenged: one order for the three actions of a dispute."""

from __future__ import annotations

from collections.abc import Iterator

from fedaggregator.daemon.decide import CASES_AT_HAND
from fedaggregator.disputes.judge import wrong_proposals
from fedprotocol.chain.read.snapshot import Snapshot

from fednode.daemon.actions.action import Action
from fednode.daemon.actions.chain.challenge import Challenge
from fednode.daemon.actions.content.build_case import BuildCase
from fednode.daemon.actions.content.judge_proposal import JudgeProposal
from fednode.daemon.facts import Facts
from fednode.daemon.snapshot_questions import turn, unsettled


def disputes(chain: Snapshot, facts: Facts) -> Iterator[Action]:
    """Convict wrong proposals, in the order in which their windows end. Then check whether the others are right. A case
    is built when this node's turn has come, because others may have convicted by then."""
    own, verdicts = facts.remembered.recomputed, facts.remembered.verdicts
    lies = [(state, lie) for state in unsettled(chain) for lie in wrong_proposals(state, own.get(state.number))]
    at_hand = [(state.number, lie.root) for state, lie in lies if (state.number, lie.root) in facts.remembered.cases]
    for state, lie in lies:
        key = (state.number, lie.root)
        has_turn = chain.time >= turn(chain, state, lie) + facts.configured.challenge_after
        if key in facts.remembered.cases:
            if has_turn:
                yield Challenge(*key)
        elif key not in verdicts or verdicts[key].leaf is None:  # its leaves may be readable now
            if lie.completed_at < chain.time:  # before that, no block has its log
                yield JudgeProposal(state.number, lie.proposer, lie.root, own[state.number])
        elif has_turn and len(at_hand) < CASES_AT_HAND:
            yield BuildCase(state.number, lie.proposer, lie.root)
    for state in unsettled(chain):
        for proposal in state.proposals:
            own_root = own.get(state.number)
            if proposal.root == own_root and (state.number, proposal.root) not in verdicts:
                yield JudgeProposal(state.number, proposal.proposer, proposal.root, own_root)

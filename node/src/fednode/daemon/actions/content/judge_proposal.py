"""Comparing live proposals with the aggregate that was computed here, and reporting what is wrong with them."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from fedaggregator.disputes.evidence import judge_proposal
from fedaggregator.disputes.judge import Verdict, Wrong, alarm
from fedprotocol import metrics
from fedprotocol.chain.read.snapshot import Snapshot
from fedprotocol.program.background import Body
from fedprotocol.store.deadline import Deadline

from fednode.daemon.action_context import Tools
from fednode.daemon.actions.action import Revisit
from fednode.daemon.actions.content.dispute_work import DisputeWork
from fednode.daemon.facts import Facts, ProposalVerdict
from fednode.daemon.snapshot_questions import round_of

log = logging.getLogger("fednode")


@dataclass(frozen=True)
class JudgeProposal(DisputeWork):
    """Compare a live proposal with the aggregate computed here, `own_root`."""

    own_root: bytes

    def describe(self) -> str:
        return f"checking a proposal of round {self.round}"

    def revisit(self, chain: Snapshot) -> Revisit:
        """Only a proposal whose leaves could not be read is judged again, because another node of the chain may have
        them."""
        return Revisit(left=self.time_left(chain))

    def job(self, tools: Tools, chain: Snapshot, facts: Facts) -> Body:
        """Raises ChainError, StoreError, RuleError, DisputeError in its thread."""
        state = round_of(chain, self.round)
        shape = tools.spec.layout.global_shape
        return lambda stop: judge_proposal(
            tools.events,
            state,
            self.proposer,
            self.root,
            self.own_root,
            lambda: tools.store.get(self.own_root, shape, Deadline(stop=stop)),
        )

    def ended(self, tools: Tools, result: Verdict, chain: Snapshot) -> None:
        if not isinstance(result, Wrong):
            tools.memory.note_judged(self.round, self.root, ProposalVerdict(self.own_root))
            log.info("round %d: the proposal of %s equals the aggregate computed here", self.round, self.proposer)
            return
        text = alarm(self.round, self.proposer, self.root, result)
        known = tools.memory.verdicts.get((self.round, self.root))
        if known is None or known.text != text:
            log.error("%s", text)
            metrics.MISMATCHES.inc()
        leaf = result.first.leaf if result.first is not None else None
        tools.memory.note_judged(self.round, self.root, ProposalVerdict(self.own_root, text, leaf))

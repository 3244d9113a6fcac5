"""Building the proof against a wrong proposal, and what sending it would cost."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass

from fedaggregator.disputes.case import Case
from fedaggregator.disputes.convict import advised
from fedaggregator.disputes.evidence import gather
from fedaggregator.disputes.leaf_case import StaleCase
from fedprotocol.chain.read.snapshot import RoundState, Snapshot
from fedprotocol.program.background import Body
from fedprotocol.store.deadline import Deadline
from fedprotocol.tree import cid

from fednode.daemon.action_context import Tools
from fednode.daemon.actions.action import Action
from fednode.daemon.actions.content.dispute_work import DisputeWork
from fednode.daemon.facts import Facts
from fednode.daemon.snapshot_questions import proposal_in, round_of

log = logging.getLogger("fednode")


@dataclass(frozen=True)
class Built:
    """A case, and a text that says what its calls cost."""

    case: Case
    costs: str


@dataclass(frozen=True)
class BuildCase(DisputeWork):
    """Make the proof that a live proposal is wrong, and simulate it."""

    def describe(self) -> str:
        return f"building the proof against a wrong proposal of round {self.round}"

    def job(self, tools: Tools, chain: Snapshot, facts: Facts) -> Body:
        state, own_root = round_of(chain, self.round), facts.remembered.recomputed[self.round]
        return lambda stop: self._build(tools, state, own_root, chain.account, Deadline(stop=stop))

    def _build(
        self, tools: Tools, state: RoundState, own_root: bytes, account: str, deadline: Deadline
    ) -> Built | None:
        """The case; None if the proposal is no longer live.

        Raises:
            StaleCase: the proposal is right, or the global that was computed here does not follow from the round's
                present inputs. FedError: the other errors of `evidence.gather` and `convict.advised` of
                `fedaggregator.disputes`.
        """
        proposal = proposal_in(state, self.root)
        if proposal is None:
            return None
        with tools.store.get(own_root, tools.spec.layout.global_shape, deadline) as own:
            case = gather(tools.events, tools.store, state, own, proposal)
        costs = advised(tools.coordinator, account, case)
        return Built(case, costs) if costs is not None else None

    def ended(self, tools: Tools, result: Built | None, chain: Snapshot) -> None:
        if result is None:
            log.info("round %d: %s is not live any more", self.round, cid(self.root))
            return
        tools.memory.cases[self.round, self.root] = result.case
        log.info("round %d: case against %s, %s", self.round, cid(self.root), result.costs)

    def failed(self, tools: Tools, error: Exception, chain: Snapshot) -> Iterable[Action]:
        if isinstance(error, StaleCase):
            tools.memory.note_doubtful(self.round)
        return ()

"""Making a masked round void whose updates add up to garbage."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from fedaggregator.disputes.convict import Move, advance
from fedprotocol.chain.read.snapshot import Snapshot

from fednode.daemon.action_context import Tools
from fednode.daemon.actions.action import Action, ChainAction
from fednode.daemon.facts import Facts
from fednode.daemon.snapshot_questions import turn_of, unsettled

log = logging.getLogger("fednode")


@dataclass(frozen=True)
class Impeach(ChainAction):
    """Send the next call that makes the round void, so that nothing becomes final that follows from garbage."""

    round: int
    keeps_node_running = True

    @staticmethod
    def due(chain: Snapshot, facts: Facts) -> Iterator[Impeach]:
        """When this node's turn has come, because others may have done it by then. Nobody is paid for it."""
        for state in unsettled(chain):
            begun = state.view.phase_start + facts.configured.challenge_after
            if state.number in facts.remembered.impeachable and chain.time >= turn_of(
                chain, state, state.view.inputs_hash, begun
            ):
                yield Impeach(state.number)

    def describe(self) -> str:
        return f"impeaching round {self.round}, whose updates add up to garbage"

    def send(self, tools: Tools, chain: Snapshot, facts: Facts) -> None:
        """Also raises StaleCase."""
        move = advance(tools.coordinator, tools.sender, tools.memory.impeachments[self.round])[0]
        if move is Move.PROVED:
            log.info("round %d: IMPEACHED, it is void", self.round)
        elif move is Move.GONE:
            log.info("round %d: it is not open any more", self.round)

    def failed(self, tools: Tools, error: Exception, chain: Snapshot) -> Iterable[Action]:
        """The proof is made again, when the round is recomputed."""
        tools.memory.forget_impeachment(self.round)
        return ()

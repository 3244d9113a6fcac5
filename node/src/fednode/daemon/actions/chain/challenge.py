"""Challenging a wrong proposal, call by call, until it is convicted."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass

from fedaggregator.disputes.convict import Move, advance
from fedaggregator.disputes.leaf_case import StaleCase
from fedprotocol.chain.read.snapshot import Snapshot
from fedprotocol.tree import cid

from fednode.daemon.action_context import Tools
from fednode.daemon.actions.action import Action, ChainAction
from fednode.daemon.actions.content.build_case import BuildCase
from fednode.daemon.facts import Facts
from fednode.daemon.snapshot_questions import proposal_in, window_left

log = logging.getLogger("fednode")


@dataclass(frozen=True)
class Challenge(ChainAction):
    """Send the next call of the proof against a live proposal. `disputes.py` says when."""

    round: int
    root: bytes
    keeps_node_running = True

    def describe(self) -> str:
        return f"challenging a wrong proposal of round {self.round}"

    def time_left(self, chain: Snapshot) -> float:
        return window_left(chain, self.round, self.root)

    def send(self, tools: Tools, chain: Snapshot, facts: Facts) -> None:
        """Also raises StaleCase."""
        memory = tools.memory
        move = advance(tools.coordinator, tools.sender, memory.cases[self.round, self.root])[0]
        if move is Move.CARRIED:
            return
        memory.cases.pop((self.round, self.root), None)
        if move is Move.PROVED:
            memory.note_bounty(True)
            log.info("round %d: CONVICTED %s", self.round, cid(self.root))
        else:
            log.info("round %d: %s is not live any more", self.round, cid(self.root))

    def failed(self, tools: Tools, error: Exception, chain: Snapshot) -> Iterable[Action]:
        """The case is built again, when the call would be sent again."""
        if isinstance(error, StaleCase):
            tools.memory.note_doubtful(self.round)
        tools.memory.cases.pop((self.round, self.root), None)
        proposal = proposal_in(chain.round(self.round), self.root)
        return () if proposal is None else (BuildCase(self.round, proposal.proposer, self.root),)

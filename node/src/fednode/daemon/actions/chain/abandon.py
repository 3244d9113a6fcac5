"""Abandoning a round that nobody aggregated."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass

from fedprotocol.chain.read.snapshot import Snapshot
from fedprotocol.types import Phase

from fednode.daemon.action_context import Tools
from fednode.daemon.actions.action import ChainAction
from fednode.daemon.facts import Facts
from fednode.daemon.snapshot_questions import unsettled

log = logging.getLogger("fednode")


@dataclass(frozen=True)
class Abandon(ChainAction):
    """Void a round that nobody aggregated."""

    round: int

    @staticmethod
    def due(chain: Snapshot, facts: Facts) -> Iterator[Abandon]:
        for state in unsettled(chain):
            due = state.view.phase_start + chain.config.abandon_after
            if state.view.phase is Phase.AGGREGATE and chain.time >= due:
                yield Abandon(state.number)

    def describe(self) -> str:
        return f"abandoning round {self.round}"

    def send(self, tools: Tools, chain: Snapshot, facts: Facts) -> None:
        tools.sender.send(tools.coordinator.calls.abandon(self.round), f"abandon round {self.round}")
        log.warning("round %d: abandoned", self.round)

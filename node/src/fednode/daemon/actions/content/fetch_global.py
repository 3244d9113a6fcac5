"""Fetching a global adapter that the chain names, or the genesis, into the own store."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from typing import Any

from fedprotocol.chain.read.snapshot import Snapshot
from fedprotocol.program.background import Body
from fedprotocol.store.deadline import Deadline
from fedprotocol.tree import cid

from fednode.daemon.action_context import Tools
from fednode.daemon.actions.action import Lane, Work
from fednode.daemon.facts import Facts
from fednode.daemon.snapshot_questions import unsettled

log = logging.getLogger("fednode")


@dataclass(frozen=True)
class FetchGlobal(Work):
    """Fetch `root`, the final global adapter of `round` (0: the genesis), into the own store."""

    round: int
    root: bytes
    lane = Lane.INPUTS
    leads_to = "train on it"

    def describe(self) -> str:
        return f"fetching the global of round {self.round}"

    def time_left(self, chain: Snapshot) -> float:
        """Until the end of the newest open round's phase, because training or the aggregate of that round needs this
        global."""
        states = unsettled(chain)
        if not states or not states[-1].view.phase_end:
            return math.inf
        return states[-1].view.phase_end - chain.time

    def job(self, tools: Tools, chain: Snapshot, facts: Facts) -> Body:
        """Raises NotFound, Malformed, Unavailable, Stopped in its thread."""
        shape = tools.spec.layout.global_shape
        return lambda stop: tools.store.get(self.root, shape, Deadline(stop=stop)).close()

    def ended(self, tools: Tools, result: Any, chain: Snapshot) -> None:
        tools.memory.note_fetched(self.round, self.root)
        log.info("round %d: fetched its global %s", self.round, cid(self.root))

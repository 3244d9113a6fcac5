"""Releasing old rounds: what the own store has of them, and the files of updates."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.snapshot import Snapshot
from fedprotocol.program.background import Body
from fedprotocol.store.base import Store
from fedprotocol.store.deadline import Deadline
from fedprotocol.types import ZERO

from fednode.daemon.action_context import Tools
from fednode.daemon.actions.action import Lane, Work
from fednode.daemon.facts import Facts
from fednode.daemon.snapshot_questions import unsettled

log = logging.getLogger("fednode")


@dataclass(frozen=True)
class Release(Work):
    """Unpin an old round's inputs in the own store, and those of `own_globals` that did not become a global."""

    round: int
    own_globals: frozenset[bytes]
    lane = Lane.TIDYING
    is_waited_for = False

    @staticmethod
    def due(chain: Snapshot, facts: Facts) -> Iterator[Work]:
        """It is due for old rounds once a later global is final. Until then the next round may start from theirs."""
        oldest_kept = min(
            chain.last_opened - len(unsettled(chain)) - facts.configured.keep_rounds + 1, chain.latest_final[0]
        )
        outdated = [number for number in facts.remembered.kept() if number < oldest_kept]
        if outdated:
            yield Release(min(outdated), facts.remembered.merged.get(min(outdated), frozenset()))

    def describe(self) -> str:
        return f"letting go of the updates of round {self.round}"

    def job(self, tools: Tools, chain: Snapshot, facts: Facts) -> Body:
        return lambda stop: self.unpin(tools.coordinator, tools.store, Deadline(stop=stop))

    def unpin(self, coordinator: Coordinator, store: Store, deadline: Deadline) -> None:
        """Unpin the round's updates and its prior, except what a later round needs too. Its final global is unpinned
        with the round that was trained on it; other globals that were merged for it are unpinned now. Raises
        Unavailable, ChainError, Stopped.
        """
        view = coordinator.round_view(self.round)
        gone = {update.root for update in coordinator.updates(self.round)} | {view.prior_root}
        gone |= self.own_globals - {view.global_root}
        gone -= {ZERO, coordinator.config().genesis_root, coordinator.latest_final()[1]}
        for number in range(self.round + 1, coordinator.last_opened() + 1):
            gone -= {update.root for update in coordinator.updates(number)} | {
                coordinator.round_view(number).prior_root
            }
        for root in gone:
            deadline.check()
            store.unpin(root)

    def ended(self, tools: Tools, result: Any, chain: Snapshot) -> None:
        for update in tools.journal.updates(self.round):
            update.car.unlink(missing_ok=True)
            update.car.with_name(update.car.name + ".idx").unlink(missing_ok=True)
        tools.memory.note_released(self.round)
        log.info("round %d: its updates and its prior are no longer kept here", self.round)

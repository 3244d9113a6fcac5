"""Revealing the committed update."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass

from fedprotocol.chain.read.snapshot import RoundState, Snapshot
from fedprotocol.files.tree_files import open_car
from fedprotocol.journal import UpdateRecord
from fedprotocol.tree import cid
from fedprotocol.types import ZERO, Phase

from fednode.daemon.action_context import Tools
from fednode.daemon.actions.action import ChainAction, TooEarly
from fednode.daemon.actions.chain.commitment import commitment_hash
from fednode.daemon.actions.chain.departure import allow_and_note
from fednode.daemon.facts import Facts, MaskStep
from fednode.daemon.members_now import require_members
from fednode.daemon.snapshot_questions import owes_reveal, phase_end, unsettled
from fednode.masking.site_journal import MaskJournal

log = logging.getLogger("fednode")
LAST_PART = 4  # after a quarter of Reveal, the node no longer waits for what only makes revealing safer


@dataclass(frozen=True)
class Reveal(ChainAction):
    """Publish the update in the store, then open the commitment."""

    round: int
    is_owed = True
    keeps_node_running = True

    @staticmethod
    def due(chain: Snapshot, facts: Facts) -> Iterator[Reveal]:
        """It is due when the journal has the update that was committed, and the site's policy still lets it leave: what
        must stay stays, whatever penalty that costs."""
        if facts.configured.forbidden:
            return
        for state in unsettled(chain):
            if owes_reveal(state):
                own = facts.remembered.updates.get(state.number)
                if own is None or own.masks in (MaskStep.TRAINED, MaskStep.FIXED):
                    continue
                if state.my_commitment is not None and state.my_commitment.hash in own.revealable:
                    yield Reveal(state.number)

    def describe(self) -> str:
        return f"sending its reveal of round {self.round}"

    def send(self, tools: Tools, chain: Snapshot, facts: Facts) -> None:
        """Publish first, because nobody can vouch for content that nobody serves. If hardly any time is left, reveal
        first, which avoids the penalty. Before either, the site's log has it. Also raises StoreError, CarError,
        Forbidden, PolicyError, LogError; in a masked federation Unsafe and CommitsHidden."""
        state = chain.round(self.round)
        if state is None:
            return
        if chain.config.is_masked:
            self._reveal_masked(tools, state)
            return
        at_last = state.view.phase_end - chain.time < chain.config.reveal_length / LAST_PART
        if not at_last:
            self._wait_for_depth(tools)
        committed = state.my_commitment.hash if state.my_commitment else None
        update = next(
            record
            for record in tools.journal.updates(self.round)
            if commitment_hash(tools.coordinator, tools.sender.address, record) == committed
        )
        call = tools.coordinator.calls.reveal(
            self.round, update.root, update.shift, update.examples, update.salt, update.loss_before, update.loss_after
        )
        allow_and_note(tools, update)
        if not at_last:
            _publish(tools, update)
        tools.sender.send(call, f"reveal in round {self.round}", phase_end(state))
        if at_last:
            _publish(tools, update)
        log.info("round %d: revealed %s, shift %d", self.round, cid(update.root), update.shift)

    def _reveal_masked(self, tools: Tools, state: RoundState) -> None:
        """Name the root alone: nothing of the content leaves before all have revealed (`Publish`), and no losses."""
        update, fixed = tools.journal.update(self.round), MaskJournal(tools.journal).fixed(self.round)
        if update is None or fixed is None:
            raise LookupError(f"no masked update of round {self.round} in the journal, or no members")
        require_members(tools, self.round, fixed)
        allow_and_note(tools, update)
        call = tools.coordinator.calls.reveal(self.round, update.root, 0, update.examples, ZERO, 0, 0)
        tools.sender.send(call, f"reveal in round {self.round}", phase_end(state))
        log.info("round %d: revealed %s, weight %d", self.round, cid(update.root), update.examples)

    def _wait_for_depth(self, tools: Tools) -> None:
        """Wait until the end of Train lies this many blocks deep, because a revealed update cannot be hidden again."""
        depth = tools.config.chain.confirmations
        if depth:
            latest = tools.coordinator.head()
            phase = tools.coordinator.round_view(self.round, block=max(0, latest - depth)).phase
            if phase < Phase.REVEAL:
                raise TooEarly(f"{depth} blocks on top of the end of round {self.round}'s Train")


def _publish(tools: Tools, update: UpdateRecord) -> None:
    with open_car(update.car, update.root, tools.spec.layout.delta_shape) as leaves:
        tools.store.put(leaves)

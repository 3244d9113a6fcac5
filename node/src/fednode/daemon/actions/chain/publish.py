"""Publishing a masked update: only when all members have revealed, and that is final."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass

from fedprotocol.chain.read.snapshot import Snapshot
from fedprotocol.files.tree_files import open_car
from fedprotocol.tree import cid
from fedprotocol.types import Phase

from fednode.daemon.action_context import Tools
from fednode.daemon.actions.action import ChainAction, TooEarly
from fednode.daemon.actions.chain.departure import allow_and_note
from fednode.daemon.earlier_sets import Unsafe
from fednode.daemon.facts import Facts, MaskStep
from fednode.daemon.final_block import final_block, state_at
from fednode.daemon.snapshot_questions import masked_to
from fednode.masking.site_journal import MaskJournal

log = logging.getLogger("fednode")


@dataclass(frozen=True)
class Publish(ChainAction):
    """Put the masked update into the own store. It sends nothing to the chain."""

    round: int
    inputs_hash: bytes
    is_owed = True
    keeps_node_running = True

    @staticmethod
    def due(chain: Snapshot, facts: Facts) -> Iterator[Publish]:
        """When the round is in Attest with the root that was masked here."""
        for state, own in masked_to(chain, facts, MaskStep.MASKED):
            if state.view.phase is not Phase.ATTEST or state.my_index is None:
                continue
            if state.updates[state.my_index].root == own.root:
                yield Publish(state.number, state.view.inputs_hash)

    def describe(self) -> str:
        return f"publishing its masked update of round {self.round}"

    def send(self, tools: Tools, chain: Snapshot, facts: Facts) -> None:
        """The site's log and the journal have it before anything leaves. Raises Unsafe, StoreError, CarError,
        Forbidden, PolicyError, LogError."""
        at = state_at(final_block(tools))
        view = tools.coordinator.round_view(self.round, at)
        if view.phase < Phase.ATTEST or view.inputs_hash != self.inputs_hash:
            raise TooEarly(f"{tools.config.chain.confirmations} blocks on top of the last reveal of round {self.round}")
        journal = MaskJournal(tools.journal)
        fixed, update = journal.fixed(self.round), tools.journal.update(self.round)
        revealed = {one.client: one.root for one in tools.coordinator.updates(self.round, at)}
        if fixed is None or update is None or revealed.get(str(tools.sender.address)) != update.root:
            raise Unsafe(f"what this account revealed in round {self.round} is not what the journal has")
        if revealed.keys() != fixed.members.keys():
            raise Unsafe(
                f"round {self.round}: others revealed than the members that masks are for "
                f"({', '.join(sorted(revealed.keys() ^ fixed.members.keys()))}): this site publishes nothing"
            )
        allow_and_note(tools, update)
        journal.note_published(self.round)
        with open_car(update.car, update.root, tools.spec.layout.delta_shape) as leaves:
            tools.store.put(leaves)
        journal.note_served(self.round)
        log.info("round %d: published %s", self.round, cid(update.root))

"""Erasing what is secret of a masked round: who gets hold of this machine later learns nothing of it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass

from fedprotocol.chain.read.snapshot import Snapshot

from fednode.daemon.action_context import Tools
from fednode.daemon.actions.action import ChainAction, TooEarly
from fednode.daemon.facts import Facts
from fednode.daemon.final_block import final_block, state_at
from fednode.masking.site_journal import MaskJournal

log = logging.getLogger("fednode")


@dataclass(frozen=True)
class Erase(ChainAction):
    """Delete the keys of a settled round, and what training gave. It sends nothing."""

    round: int
    is_waited_for = False

    @staticmethod
    def due(chain: Snapshot, facts: Facts) -> Iterator[Erase]:
        """When the round is settled; rounds that the snapshot does not show any more are."""
        for number in sorted(facts.remembered.unerased):
            state = chain.round(number)
            if number <= chain.last_opened and (state is None or state.view.phase.settled):
                yield Erase(number)

    def describe(self) -> str:
        return f"erasing its keys of round {self.round}"

    def send(self, tools: Tools, chain: Snapshot, facts: Facts) -> None:
        """Not before the settlement is final: a round that a re-org opens again needs them."""
        if not tools.coordinator.round_view(self.round, state_at(final_block(tools))).phase.settled:
            depth = tools.config.chain.confirmations
            raise TooEarly(f"{depth} blocks on top of the settlement of round {self.round}")
        MaskJournal(tools.journal).erase(self.round)
        log.info("round %d: its keys, and what training gave, are erased", self.round)

"""Freeing the seat of a client that has gone silent."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass

from fedprotocol.chain.read.snapshot import Snapshot

from fednode.daemon.action_context import Tools
from fednode.daemon.actions.action import ChainAction
from fednode.daemon.actions.chain.silence import send, whose_turn_it_is
from fednode.daemon.facts import Facts

log = logging.getLogger("fednode")


@dataclass(frozen=True)
class Drop(ChainAction):
    """Free the seat of `client`, which missed the last two final rounds and round `round` after them."""

    round: int
    client: str
    is_waited_for = False

    @staticmethod
    def due(chain: Snapshot, facts: Facts) -> Iterator[Drop]:
        """In a round after the last final one: a third whole Train was left to the client."""
        if chain.last_opened > chain.latest_final[0]:
            for client in whose_turn_it_is(chain, chain.droppable):
                yield Drop(chain.last_opened, client)

    def describe(self) -> str:
        return f"dropping {self.client}, which is silent"

    def send(self, tools: Tools, chain: Snapshot, facts: Facts) -> None:
        send(tools, chain, tools.coordinator.calls.drop(self.client), f"drop {self.client}")
        log.warning(
            "dropped %s: it committed neither in the last two final rounds nor in round %d, and each round waited for "
            "it until the end of Train; its stake stays its own",
            self.client,
            self.round,
        )

"""Applying the penalties of a client that has gone silent, where that suspends it."""

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
class Suspend(ChainAction):
    """Settle the account of `client`, which owes penalties and missed round `round` after them."""

    round: int
    client: str
    is_waited_for = False

    @staticmethod
    def due(chain: Snapshot, facts: Facts) -> Iterator[Suspend]:
        for client in whose_turn_it_is(chain, chain.indebted):
            yield Suspend(chain.last_opened, client)

    def describe(self) -> str:
        return f"settling the account of {self.client}, which is silent and owes a penalty"

    def send(self, tools: Tools, chain: Snapshot, facts: Facts) -> None:
        send(tools, chain, tools.coordinator.calls.settle(self.client), f"settle {self.client}")
        log.warning(
            "settled the account of %s: its penalties leave less than the least stake, so rounds do not wait for it "
            "until it adds stake",
            self.client,
        )

"""Settling the account and collecting what it is owed."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass

from fedprotocol.chain.read.snapshot import Snapshot

from fednode.daemon.action_context import Tools
from fednode.daemon.actions.action import ChainAction
from fednode.daemon.facts import Facts

log = logging.getLogger("fednode")


@dataclass(frozen=True)
class Settle(ChainAction):
    """Apply the consequences of settled rounds to this account."""

    @staticmethod
    def due(chain: Snapshot, facts: Facts) -> Iterator[Settle]:
        """When the federation is over."""
        if facts.configured.auto_claim and chain.is_over and is_unsettled(chain, facts):
            yield Settle()

    def describe(self) -> str:
        return "settling its account"

    def send(self, tools: Tools, chain: Snapshot, facts: Facts) -> None:
        tools.sender.send(tools.coordinator.calls.settle(tools.sender.address), "settle the account")
        tools.memory.note_settled()


@dataclass(frozen=True)
class Claim(ChainAction):
    """Take what the coordinator owes to this account."""

    @staticmethod
    def due(chain: Snapshot, facts: Facts) -> Iterator[Claim]:
        """When the federation is over and the account is settled."""
        if facts.configured.auto_claim and chain.is_over and not is_unsettled(chain, facts) and chain.my_owed > 0:
            yield Claim()

    @staticmethod
    def bounty_due(chain: Snapshot, facts: Facts) -> Iterator[Claim]:
        """It is due at any time for the bounty of a challenge."""
        if facts.remembered.has_bounty and chain.my_owed > 0:
            yield Claim()

    def describe(self) -> str:
        return "claiming what it is owed"

    def send(self, tools: Tools, chain: Snapshot, facts: Facts) -> None:
        tools.sender.send(tools.coordinator.calls.claim(), "claim")
        tools.memory.note_bounty(False)
        log.info("claimed %s", facts.configured.amounts(chain.my_owed))


def is_unsettled(chain: Snapshot, facts: Facts) -> bool:
    """Whether rounds of this account have consequences that it has not got yet."""
    return bool(chain.my_seat.pending_old or chain.my_seat.pending_new or facts.remembered.proposed)

"""Making up for a penalty: the stake gets back what the penalty took, within the limit that the operator set."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass

from fedprotocol.chain.read.snapshot import Snapshot
from fedprotocol.journal import Journal

from fednode.daemon.action_context import Tools
from fednode.daemon.actions.action import ChainAction, Overtaken
from fednode.daemon.facts import Facts

log = logging.getLogger("fednode")
LABEL = "top up the stake after the penalty of round "
WORD = 32  # bytes of a call's argument


@dataclass(frozen=True)
class TopUp(ChainAction):
    """Add `amount` token units to the stake, once for the penalty of `round`."""

    round: int
    amount: int

    @staticmethod
    def due(chain: Snapshot, facts: Facts) -> Iterator[TopUp]:
        """For the oldest penalty that was taken and not made up for, while the limit and the purse have room for it."""
        seat, limit = chain.settled_seat, facts.configured.top_up
        if not limit or not seat.active_from or seat.exited or chain.is_over:
            return
        for number, penalty in sorted(facts.remembered.penalties.items()):
            amount = min(penalty.amount, facts.configured.wanted_stake - seat.stake)
            if number in facts.remembered.topped_up or amount <= 0:
                continue
            if room_left(facts) >= amount and chain.tokens >= amount:
                yield TopUp(number, amount)
            return

    def describe(self) -> str:
        return f"topping up its stake after the penalty of round {self.round}"

    def send(self, tools: Tools, chain: Snapshot, facts: Facts) -> None:
        """The outbox has it before it leaves, under a label of its own: so it is never sent for the same penalty twice,
        whenever the node is killed."""
        coordinator, sender = tools.coordinator, tools.sender
        coordinator.token.ensure_allowance(sender, coordinator.address, self.amount)
        done = topped_up(tools.journal)
        if self.round in done or sum(done.values()) + self.amount > facts.configured.top_up:
            raise Overtaken("it was done before")
        sender.send(coordinator.calls.add_stake(self.amount), f"{LABEL}{self.round}")
        said = facts.configured.amounts(self.amount)
        log.info("the stake has got back %s after the penalty of round %d", said, self.round)


def room_left(facts: Facts) -> int:
    """Token units that may still be added."""
    return max(0, facts.configured.top_up - sum(facts.remembered.topped_up.values()))


def topped_up(journal: Journal) -> dict[int, int]:
    """Round of a penalty -> token units that were sent after it, and are in a block or may still come into one."""
    sent = journal.outbox_labelled(LABEL)
    return {int(tx.label.removeprefix(LABEL)): int.from_bytes(tx.data[-WORD:]) for tx in sent}

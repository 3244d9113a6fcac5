"""Committing to the trained update, which opens the round if nobody else has."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass

from fedprotocol.chain.read.snapshot import Snapshot
from fedprotocol.tree import cid

from fednode.daemon.action_context import Tools
from fednode.daemon.actions.action import ChainAction
from fednode.daemon.actions.chain.commitment import commitment_hash
from fednode.daemon.facts import Facts
from fednode.daemon.snapshot_questions import expected_prior, phase_end, target_round

log = logging.getLogger("fednode")


@dataclass(frozen=True)
class Commit(ChainAction):
    """Send the hash of the update in the journal."""

    round: int
    is_owed = True
    keeps_node_running = True

    @staticmethod
    def due(chain: Snapshot, facts: Facts) -> Iterator[Commit]:
        """It is due when the round takes commits and there is an update for it, trained on the global from which the
        round starts, and the site's policy lets updates leave: to have committed to one that may not costs the
        penalty."""
        target = target_round(chain)
        own = facts.remembered.updates.get(target) if target is not None else None
        if (
            facts.configured.forbidden
            or target is None
            or own is None
            or own.prior_root != expected_prior(chain, facts, target)
        ):
            return
        opened = chain.round(target)
        commitment = opened.my_commitment if opened is not None else None
        if commitment is None or commitment.hash != own.commit_hash:
            yield Commit(target)

    def describe(self) -> str:
        return f"sending its commit of round {self.round}"

    def send(self, tools: Tools, chain: Snapshot, facts: Facts) -> None:
        update = tools.journal.update(self.round)
        if update is None:
            raise LookupError(f"no update of round {self.round} in the journal")
        hashed = commitment_hash(tools.coordinator, tools.sender.address, update)
        call = tools.coordinator.calls.commit(self.round, update.prior_root, hashed)
        tools.sender.send(call, f"commit in round {self.round}", phase_end(chain.round(self.round)))
        log.info("round %d: committed, prior %s", self.round, cid(update.prior_root))

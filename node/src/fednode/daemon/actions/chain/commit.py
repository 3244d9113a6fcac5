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
from fednode.daemon.earlier_sets import require_likely_set
from fednode.daemon.facts import Facts
from fednode.daemon.snapshot_questions import expected_prior, phase_end, target_round
from fednode.masking.keys import fresh_secret, public_key
from fednode.masking.site_journal import Key, MaskJournal

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
        penalty. In a masked federation what is sent is a key, and it needs enough of the site's own peers."""
        target = target_round(chain)
        own = facts.remembered.updates.get(target) if target is not None else None
        if (
            facts.configured.forbidden
            or facts.configured.alone
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
        """Raises Unsafe, too, in a masked federation."""
        prior_root, hashed = self._of_key(tools) if chain.config.is_masked else self._of_update(tools)
        call = tools.coordinator.calls.commit(self.round, prior_root, hashed)
        tools.sender.send(call, f"commit in round {self.round}", phase_end(chain.round(self.round)))
        log.info("round %d: committed, prior %s", self.round, cid(prior_root))

    def _of_update(self, tools: Tools) -> tuple[bytes, bytes]:
        update = tools.journal.update(self.round)
        if update is None:
            raise LookupError(f"no update of round {self.round} in the journal")
        return update.prior_root, commitment_hash(tools.coordinator, tools.sender.address, update)

    def _of_key(self, tools: Tools) -> tuple[bytes, bytes]:
        """The prior and a key for the round on it, which is in the journal before anybody sees it."""
        journal = MaskJournal(tools.journal)
        trained = journal.trained(self.round)
        if trained is None:
            raise LookupError(f"no training for round {self.round} in the journal")
        prior_root = trained.prior_root
        require_likely_set(tools, self.round, prior_root)
        for key in journal.keys(self.round):
            if key.prior_root == prior_root and key.secret:
                return prior_root, key.public
        secret = fresh_secret()
        journal.note_key(self.round, Key(prior_root, public_key(secret), secret))
        return prior_root, public_key(secret)

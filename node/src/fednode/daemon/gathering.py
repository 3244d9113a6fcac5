"""What the node knows besides the chain, gathered for one decision."""

from __future__ import annotations

import logging

from fedprotocol.chain.amounts import Amounts
from fedprotocol.chain.errors import ChainError
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.snapshot import RoundState, Snapshot
from fedprotocol.journal import Journal

from fednode.config import NodeConfig
from fednode.daemon.chain.commitment import commitment_hash
from fednode.daemon.facts import Facts, OwnUpdate
from fednode.daemon.remembered import Memory

log = logging.getLogger("fednode")


class Knowing:
    """Joins journal, memory and config. What runs and rests is the loop's to add."""

    def __init__(self, config: NodeConfig, coordinator: Coordinator, journal: Journal, memory: Memory) -> None:
        self._config = config
        self._coordinator = coordinator
        self._journal = journal
        self._memory = memory
        self._amounts = Amounts.of(coordinator.token)

    def facts(self, chain: Snapshot, failure: str) -> Facts:
        """Raises JournalError. `failure`: why the model cannot be used at all."""
        memory, config = self._memory, self._config
        recomputed = memory.recomputed(chain)
        judged = memory.judged(recomputed)
        return Facts(
            updates=self._own_updates(chain),
            checked=memory.checked,
            recomputed=recomputed,
            merged={number: frozenset(merges.values()) for number, merges in memory.merged.items()},
            fetched=memory.fetched,
            judged={key: not found.text for key, found in judged.items()},
            provable=frozenset(key for key, found in judged.items() if found.leaf is not None),
            cases=memory.open_cases(chain),
            unseen=frozenset(s.number for s in chain.rounds if self._stands_unseen(s, recomputed.get(s.number))),
            proposed=frozenset(memory.proposed),
            has_bounty=memory.has_bounty,
            trained=frozenset(memory.trained),
            evaluated=memory.evaluated,
            solo_trained=frozenset(memory.solo_trained),
            solo_evaluated=frozenset(memory.solo_evaluated),
            has_test=config.data.test is not None,
            solo=config.solo.enabled,
            solo_test=config.solo.test is not None,
            auto_claim=config.node.claim,
            keep_rounds=config.node.keep_rounds,
            propose_after=config.node.propose_after,
            challenge_after=config.node.challenge_after,
            attest_margin=min(config.node.attest_margin, chain.config.attest_length // 4),
            train_seconds=memory.train_seconds,
            failure=failure,
            amounts=self._amounts,
        )

    def _stands_unseen(self, state: RoundState, own_root: bytes | None) -> bool:
        """Whether the own merge is among the live proposals that the snapshot had no room for."""
        seen = {proposal.root for proposal in state.proposals}
        if own_root is None or own_root in seen or state.view.live <= len(seen):
            return False
        try:
            return self._coordinator.proposal(state.number, own_root) is not None
        except ChainError as error:
            log.debug("round %d: whether the right global is proposed is not known: %s", state.number, error)
            return False

    def _own_updates(self, chain: Snapshot) -> dict[int, OwnUpdate]:
        own = {}
        for number in {state.number for state in chain.rounds} | {chain.last_opened + 1}:
            records = self._journal.updates(number)
            if records:
                hashes = [commitment_hash(self._coordinator, chain.account, entry) for entry in records]
                own[number] = OwnUpdate(records[0].prior_root, records[0].root, hashes[0], frozenset(hashes))
        return own

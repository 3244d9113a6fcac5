"""An old round's updates and global leave the node's own store, and nothing else does. Real chain, real stores."""

from __future__ import annotations

from pathlib import Path

import pytest
from fedaggregator.compute.inputs import delta_shape, global_shape
from fedaggregator.rules import rule_named
from fednode.daemon.actions.registry import Release
from fednode.daemon.facts import UpdateVerdict
from fednode.daemon.journal_facts import Memory
from fedprotocol.car import MemoryLeaves
from fedprotocol.journal import Journal
from fedprotocol.store.base import NotFound
from fedprotocol.store.deadline import Deadline
from fedprotocol.store.open import open_store
from support.evm import Anvil
from support.live_federation import LiveFederation
from support.synthetic import SyntheticClient, play_inputs


def test_what_a_round_pinned_is_let_go(tmp_path: Path) -> None:
    with Anvil() as chain:
        federation = LiveFederation(chain)
        coordinator = federation.coordinator
        config = coordinator.config()
        shape = global_shape(config, rule_named("fedavg"))
        clients = [SyntheticClient(federation, tmp_path / f"client-{seed}", seed) for seed in range(3)]
        for client in clients:
            client.join()
        clients[0].store.put(federation.genesis)
        play_inputs(clients, 1, federation.genesis.root)
        store = open_store(f"dir:{tmp_path / 'own'}", tmp_path, [f"dir:{client.store_path}" for client in clients])
        alone = open_store(f"dir:{tmp_path / 'own'}", tmp_path)
        roots = [update.root for update in coordinator.updates(1)]
        for root in roots[:2]:  # the third was never fetched
            store.get(root, delta_shape(config)).close()
        store.get(federation.genesis.root, shape).close()
        for _ in range(2):  # a kill before the journal knows: done again
            Release(1, frozenset()).unpin(coordinator, store, Deadline())
        for root in roots:
            with pytest.raises(NotFound):
                alone.get(root, delta_shape(config))
            store.get(root, delta_shape(config)).close()  # the others still serve theirs
        alone.get(federation.genesis.root, shape).close()  # the prior, and the last final global
        unused = store.put(MemoryLeaves([bytes([leaf]) * 128 for leaf in range(config.leaf_count)]))
        Release(1, frozenset({unused})).unpin(coordinator, store, Deadline())
        with pytest.raises(NotFound):
            alone.get(unused, shape)
        alone.get(federation.genesis.root, shape).close()
        for client in clients:
            client.close()


def test_the_journal_forgets_what_is_let_go(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal.sqlite") as journal:
        memory = Memory(journal)
        for number in (1, 2):
            memory.note_recomputed(number, "inputs", bytes([number]) * 32)
            memory.note_fetched(number, bytes([number]) * 32)
            memory.note_verdict(number, bytes(32), 0, UpdateVerdict.GOOD)
        memory.note_released(1)
        for known in (memory, Memory(journal)):
            assert set(known.merged) == set(known.fetched) == set(known.checked) == {2}

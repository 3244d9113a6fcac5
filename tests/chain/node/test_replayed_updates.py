"""An update in two seats, and one of an earlier round: attesters refuse both. On a real chain, from real stores."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from fednode.daemon.actions.content.check_inputs import Finding, check_inputs
from fednode.daemon.actions.content.earlier_roots import EarlierRoots
from fednode.daemon.facts import UpdateVerdict
from fedprotocol.chain.errors import ChainUnreachable
from fedprotocol.chain.read.snapshot import RoundState, take_snapshot
from fedprotocol.spec import load_spec
from fedprotocol.store.base import Store
from fedprotocol.store.deadline import Deadline
from fedprotocol.store.open import open_store
from fedprotocol.types import Phase
from support.evm import Anvil
from support.live_federation import LiveFederation
from support.specs import DOCUMENT, small_spec
from support.synthetic import SyntheticClient, SyntheticUpdate, play_inputs

SPEC = load_spec(small_spec(layout={**DOCUMENT["layout"], "tensors": [{"name": "a", "shape": [7, 32]}]}))

GOOD, BAD = UpdateVerdict.GOOD, UpdateVerdict.BAD


def commit_again(client: SyntheticClient, number: int, prior: bytes, update: SyntheticUpdate) -> None:
    """To another's content, under the own name."""
    calls, salt = client.coordinator.calls, os.urandom(32)
    content = (update.leaves.root, update.shift, client.examples)
    hash_ = client.coordinator.commit_hash(number, client.address, prior, *content, salt)
    client.sender.send(calls.commit(number, prior, hash_), "commit again")
    client.updates[number] = SyntheticUpdate(
        prior, update.leaves, update.mantissas, update.shift, client.examples, salt
    )


def test_attesters_refuse_a_root_that_was_revealed_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Round 1 is void, so that both rounds stand on one prior: a replay would be of use."""
    with Anvil() as chain:
        federation = LiveFederation(chain, leaf_count=7, maxShift=SPEC.bounds.max_shift)
        coordinator, prior = federation.coordinator, federation.genesis.root
        clients = [SyntheticClient(federation, tmp_path / f"client-{seed}", seed) for seed in range(4)]
        for client in clients[:2]:
            client.join()
        play_inputs(clients[:2], 1, prior)
        federation.pass_time(coordinator.config().abandon_after)
        clients[0].sender.send(coordinator.calls.abandon(1), "abandon")
        assert federation.phase(1) is Phase.VOID
        for client in clients[2:]:
            client.join()
        honest, replayer, first, copier = clients
        honest.commit(2, prior)
        commit_again(replayer, 2, prior, honest.updates[1])
        first.commit(2, prior)
        commit_again(copier, 2, prior, first.updates[2])
        for client in clients:
            client.reveal(2)
        state = take_snapshot(coordinator, honest.address).round(2)
        assert state is not None
        assert [update.client for update in state.updates] == [client.address for client in clients]
        store = open_store(f"dir:{tmp_path / 'own'}", tmp_path, [f"dir:{client.store_path}" for client in clients])

        def checked() -> dict[int, Finding]:
            return check(store, EarlierRoots(coordinator), state)

        found = checked()
        assert [found[index].verdict for index in range(4)] == [
            GOOD,
            BAD,
            GOOD,
            BAD,
        ]
        assert found[1].why == "its root was revealed in round 1 already"
        assert found[3].why == f"its root was revealed before, as update 2 of {first.address}"

        monkeypatch.setattr(coordinator, "updates", unreachable)
        found = checked()
        assert [found[index].verdict for index in range(4)] == [
            GOOD,
            GOOD,
            GOOD,
            BAD,
        ]
        assert "updates are not compared with those of earlier rounds" in caplog.text
        for client in clients:
            client.close()


def check(store: Store, earlier: EarlierRoots, state: RoundState) -> dict[int, Finding]:
    found: dict[int, Finding] = {}
    indices = list(range(len(state.updates)))
    before = partial(earlier.before, state.number)
    check_inputs(store, SPEC, state, indices, lambda f: found.__setitem__(f.index, f), Deadline(60.0), before)
    return found


def unreachable(*_: Any) -> Any:
    raise ChainUnreachable("no RPC node answers")

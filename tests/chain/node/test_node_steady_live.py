"""A node's loop on a real chain whose node gives no logs, with a disk that is full for a while."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from fednode.cli.common import open_session
from fednode.daemon.actions import registry as do
from fednode.daemon.journal_facts import Memory
from fedprotocol.journal import JournalError
from fedprotocol.types import Phase
from support.evm import Anvil
from support.in_process_nodes import running, until
from support.live_federation import TOKEN
from support.proxy import Proxy
from support.sites import Prepared, Sites
from support.synthetic import SyntheticClient, play_inputs

GIVEN = 10_000 * TOKEN
LOGS = "eth_getLogs"


def test_the_right_one_goes_beside_a_lie_without_logs_and_the_lie_falls_with_them(
    tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    homes = [tmp_path / f"client-{seed}" for seed in range(2)]
    with Anvil() as chain, Proxy(chain.url) as proxy:
        sites = Sites(
            chain,
            tmp_path,
            1,
            config={"chain": {"rpc": [proxy.url]}, "data": {"test": None}, "node": {"propose_after": 10**6}},
            prepared=Prepared.on(tiny_folder),
            peers=[home / "store" for home in homes],
            challengeLength=600,
            minClients=2,
        )
        [site] = sites.sites
        clients = [SyntheticClient(sites.federation, home, seed) for seed, home in enumerate(homes)]
        for client in clients:
            client.join()
        play_inputs(clients, 1, sites.spec.genesis.root)
        assert sites.federation.phase(1) is Phase.AGGREGATE
        liar, coordinator = chain.accounts[1], sites.coordinator
        sites.federation.mint(liar, GIVEN)
        sites.federation.transact(sites.federation.token.functions.approve(coordinator.address, GIVEN), liar)
        view, leaves = coordinator.round_view(1), sites.spec.spec.layout.global_shape.leaf_count
        digests = [bytes([leaf % 256]) * 32 for leaf in range(leaves)]
        call = coordinator.calls.propose(1, view.inputs_hash, view.accepted_mask, 0, digests)
        sites.federation.transact(call, liar)
        chain.set_time(chain.now() + 1)

        full, noted = [True], Memory.note_recomputed

        def note(memory: Memory, *what: Any) -> None:
            if full[0]:
                raise JournalError("the disk is full")
            noted(memory, *what)

        monkeypatch.setattr(Memory, "note_recomputed", note)
        proxy.closed.add(LOGS)
        merges: list[do.Action | None] = []

        def merged(action: do.Action | None) -> bool:
            merges.extend([action] if isinstance(action, do.Recompute) else [])
            return bool(daemon._ended)

        with open_session(site.config) as session, running(session) as daemon:
            until(daemon, merged)
            for _ in range(3):
                assert merged(daemon._cycle())
            full[0] = False
            until(daemon, lambda action: isinstance(action, do.Propose))
            assert len(merges) == 1, "what could not be written down was kept"
            assert [p.proposer for p in coordinator.proposals(1)] == [liar, site.account.address]
            unread = daemon._memory.verdicts
            until(daemon, lambda _: any(one.text and one.leaf is None for one in unread.values()))
            proxy.closed.clear()
            deadline = time.monotonic() + 60
            until(daemon, lambda _: len(coordinator.proposals(1)) == 1, seconds=deadline - time.monotonic())
            assert [p.proposer for p in coordinator.proposals(1)] == [site.account.address]
        for client in clients:
            client.close()

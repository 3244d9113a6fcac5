"""A watchtower convicts through whatever kind of node it has: real programs, a real chain, nodes that serve less."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fedprotocol.types import Phase
from support.aggregators import AggregatorSite
from support.evm import Anvil
from support.live_federation import TOKEN, LiveFederation
from support.node_kinds import NODES
from support.synthetic import SyntheticClient, play_inputs

CONFIRMATIONS = 3


@pytest.fixture(scope="module")
def chain() -> Iterator[Anvil]:
    with Anvil() as anvil:
        yield anvil


@pytest.mark.parametrize("kind", NODES)
def test_a_lie_is_convicted_through_it(chain: Anvil, tmp_path: Path, kind: str) -> None:
    """No block comes on top of the conviction's, and none is waited for."""
    federation = LiveFederation(chain, attestLength=600, challengeLength=600, minWindow=30)
    coordinator, store = federation.coordinator, tmp_path / "public"
    clients = [SyntheticClient(federation, tmp_path / str(seed), seed, store=store) for seed in range(2)]
    for client in clients:
        client.join()
    play_inputs(clients, 1, federation.genesis.root)
    liar = chain.accounts[4]
    federation.mint(liar, 1_000 * TOKEN)
    federation.transact(federation.token.functions.approve(coordinator.address, 10**30), liar)
    view = coordinator.round_view(1)
    page = coordinator.calls.propose(1, view.inputs_hash, view.accepted_mask, 0, [bytes([i]) * 32 for i in range(1, 6)])
    federation.transact(page, liar)
    for _ in range(CONFIRMATIONS):
        federation.pass_time(1)
    with NODES[kind](chain.url) as node:
        site = AggregatorSite(federation, tmp_path / "tower", [store], tokens=0, genesis=federation.genesis)
        text = site.config_path.read_text().replace(chain.url, node.url)
        site.config_path.write_text(text.replace("[store]", f"confirmations = {CONFIRMATIONS}\n\n[store]"))
        with site.running("watch"):
            deadline = time.monotonic() + 60
            while coordinator.proposals(1):
                assert time.monotonic() < deadline, site.log.read_text()
                time.sleep(0.1)
            assert coordinator.round_view(1).phase is Phase.AGGREGATE
            while coordinator.token.balance_of(site.address) == 0:
                assert time.monotonic() < deadline, site.log.read_text()
                time.sleep(0.1)
            for _ in range(CONFIRMATIONS):
                federation.pass_time(1)
    for client in clients:
        client.close()

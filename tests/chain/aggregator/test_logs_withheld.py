"""An RPC node that gives no logs: what is wrong is known without them, and the right one goes beside it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from fedaggregator.daemon.actions import ProposePage
from support.aggregators import AggregatorSite
from support.evil_aggregator import EvilAggregator
from support.evm import Anvil
from support.live_federation import LiveFederation
from support.proxy import Proxy
from support.synthetic import SyntheticClient, play_inputs

LOGS = "eth_getLogs"


def test_the_right_one_is_proposed_and_the_lie_convicted_once_there_are_logs(tmp_path: Path) -> None:
    with Anvil() as chain, Proxy(chain.url) as proxy:
        federation = LiveFederation(chain)
        clients = [SyntheticClient(federation, tmp_path / f"client-{seed}", seed) for seed in range(2)]
        for client in clients:
            client.join()
        clients[0].store.put(federation.genesis)
        play_inputs(clients, 1, federation.genesis.root)
        peers = [client.store_path for client in clients]
        liar, honest = (AggregatorSite(federation, tmp_path / name, peers) for name in ("liar", "honest"))
        with EvilAggregator.open(liar.config(), liar.account) as evil:
            while not isinstance(evil.step(), ProposePage):
                pass
        federation.pass_time(1)

        def proposers() -> list[str]:
            return [proposal.proposer for proposal in federation.coordinator.proposals(1)]

        proxy.closed.add(LOGS)
        honest.config_path.write_text(honest.config_path.read_text().replace(chain.url, proxy.url))
        with honest.running():
            wait_for(lambda: proposers() == [liar.address, honest.address], honest)
            wait_for(lambda: "cannot be convicted from here" in honest.log.read_text(), honest)
            assert any(asked["method"] == LOGS for asked in proxy.seen)
            proxy.closed.clear()
            wait_for(lambda: proposers() == [honest.address], honest)
        for client in clients:
            client.close()


def wait_for(reached: Callable[[], bool], site: AggregatorSite, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline, site.log.read_text()
        time.sleep(0.1)

"""A watched aggregator: its figures against the chain's own, and its health when the chain goes away."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fedaggregator import __version__
from fedaggregator.daemon.run import Aggregator
from fedprotocol.chain.read.events import scan
from fedprotocol.errors import FedError
from fedprotocol.monitor.health import SHORTEST_LIMIT, Health
from fedprotocol.types import Phase
from support.aggregators import PASSWORD, AggregatorSite
from support.evm import Anvil
from support.live_federation import ETHER, TOKEN, LiveFederation
from support.ports import free_port
from support.scrape import figures, health
from support.synthetic import SyntheticClient, play_inputs

CLIENTS = 3


@pytest.fixture
def chain() -> Iterator[Anvil]:
    with Anvil() as anvil:
        yield anvil


def test_the_figures_of_a_round_are_the_chains(chain: Anvil, tmp_path: Path) -> None:
    federation = LiveFederation(chain, challengeLength=600)
    members = [SyntheticClient(federation, tmp_path / f"client-{seed}", seed) for seed in range(CLIENTS)]
    for member in members:
        member.join()
    members[0].store.put(federation.genesis)
    port = free_port()
    folders = [member.store_path for member in members]
    site = AggregatorSite(federation, tmp_path / "aggregator", folders)
    site.config_path.write_text(site.config_path.read_text().replace("# port = 0", f"port = {port}  #"))
    play_inputs(members, 1, federation.genesis.root)
    with site.running(log_format="json"):
        federation.wait_for(1, Phase.CHALLENGE)
        deadline = time.monotonic() + 30
        while (found := figures(port))["fed_phase{fed_phase=challenge}"] != 1:
            assert time.monotonic() < deadline, site.log.read_text()
            time.sleep(0.1)
        assert health(port)[0] == 200
        for member in members:
            member.close()

    lines = [json.loads(line) for line in site.log.read_text().splitlines()]
    [proposed] = [line for line in lines if line["message"].startswith("round 1: proposed")]
    assert (proposed["level"], proposed["logger"], proposed["round"]) == ("info", "fedaggregator", 1)
    key = site.account.key.hex().removeprefix("0x")
    assert not [line for line in lines if PASSWORD in json.dumps(line) or key in json.dumps(line)]

    address, coordinator = site.address, federation.coordinator
    sent = [
        tx
        for number in range(chain.web3.eth.block_number + 1)
        for tx in chain.web3.eth.get_block(number, full_transactions=True)["transactions"]
        if tx["from"] == address
    ]
    receipts = [chain.web3.eth.get_transaction_receipt(tx["hash"]) for tx in sent]
    assert found["fed_gas_total"] == sum(receipt["gasUsed"] for receipt in receipts) > 0
    ether = chain.web3.eth.get_balance(address)
    assert found["fed_fees_ether_total"] == pytest.approx((ETHER - ether) / 10**18)
    assert found["fed_balance_ether"] == pytest.approx(ether / 10**18)
    [event] = scan(coordinator, 0, chain.web3.eth.block_number, ("Proposed",))
    assert found["fed_balance_tokens"] == pytest.approx(10_000 - event.args["bond"] / TOKEN)
    assert found["fed_stake_tokens"] == 0
    assert (found["fed_round"], found["fed_final_rounds"], found["fed_recomputations_total"]) == (1, 0, 1)
    fetched = [store / "trees" for store in folders]
    assert found["fed_fetched_bytes_total"] == sum(car.stat().st_size for f in fetched for car in f.glob("*.car"))
    assert found["fed_published_bytes_total"] > 0
    assert found["fed_peers"] == CLIENTS
    assert found["fed_problems"] == found["fed_mismatches_total"] == 0
    assert found["fed_chain_block"] > 0
    assert abs(found["fed_chain_read_timestamp_seconds"] - time.time()) < 120
    named = f"account={address},chain_id=31337,coordinator={coordinator.address},program=fedaggregator"
    assert found[f"fed_info{{{named},version={__version__}}}"] == 1


def test_a_chain_that_goes_away_is_said(chain: Anvil, tmp_path: Path) -> None:
    federation = LiveFederation(chain)
    site = AggregatorSite(federation, tmp_path / "aggregator", [], genesis=federation.genesis)
    now = [0.0]
    with Aggregator.open(site.config(), site.account) as aggregator:
        aggregator.health = aggregator.reporter.health = Health(0.2, clock=lambda: now[0])
        aggregator.step()
        assert aggregator.health.report().healthy
        chain.__exit__()
        with pytest.raises(FedError) as caught:
            aggregator.step()
        aggregator.reporter.failed("chain", "", caught.value)
        now[0] = SHORTEST_LIMIT + 1
        [why] = aggregator.health.report().why
        assert why.startswith("the chain has not been read for 31 s: no RPC endpoint answers")
        assert chain.url.removeprefix("http://") in why

"""`fednode challenge` on a real chain against a real wrong proposal, by an account that holds no seat."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from fedaggregator.daemon.actions import ProposePage
from support.aggregators import AggregatorSite
from support.config_files import rewrite
from support.evil_aggregator import EvilAggregator
from support.evm import Anvil
from support.live_federation import TOKEN
from support.node_kinds import FEES, node, without
from support.sites import Sites
from support.synthetic import SyntheticClient, play_inputs

WRONG_LEAF, WRONG_VALUE = 1, 300  # 256 values a leaf
BOND = 50 * TOKEN


@pytest.fixture
def lied_to(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sites]:
    """A site that looks at a round of two others, whose only proposal is wrong."""
    folder = tmp_path_factory.mktemp("challenge")
    with Anvil() as chain:
        sites = Sites(chain, folder, 1, challengeLength=600)
        names = ("aggregator", "other")  # the site reads the first one's store
        clients = [SyntheticClient(sites.federation, folder / name, seed) for seed, name in enumerate(names)]
        for client in clients:
            client.join()
        play_inputs(clients, 1, sites.spec.genesis.root)
        clients[0].store.put(clients[1].updates[1].leaves)
        peers = [folder / "sponsor", clients[0].store_path]
        liar = AggregatorSite(sites.federation, folder / "liar", peers)
        monkeypatch.setattr(EvilAggregator, "wrong_value", WRONG_VALUE)
        with EvilAggregator.open(liar.config(), liar.account) as evil:
            while not isinstance(evil.step(), ProposePage):
                pass
        chain.rpc("evm_mine")
        yield sites
        for client in clients:
            client.close()


def test_it_shows_what_it_would_cost_and_then_does_it(lied_to: Sites) -> None:
    [site], coordinator = lied_to.sites, lied_to.coordinator
    [lie] = coordinator.proposals(1)
    tokens = coordinator.token.balance_of(site.account.address)

    said = site.command("challenge", "--dry-run").stdout
    assert lie.proposer in said and f"is WRONG: leaf {WRONG_LEAF} should be" in said
    assert "updates 0 to 2" in said and "the bounty is 25 " in said and "nothing was sent" in said
    [shown] = json.loads(site.command("challenge", "--dry-run", "--json").stdout)
    assert (shown["right"], shown["leaf"], shown["bounty"]) == (False, WRONG_LEAF, BOND // 2)
    [call] = shown["calls"]
    assert (call["name"], call["start"], call["stop"]) == ("challenge", 0, 2)
    assert coordinator.proposals(1) == (lie,)
    assert not (site.home / "journal.sqlite").exists()

    with node(lied_to.federation.chain.url, without(504, *FEES)) as priceless:
        rewrite(site.config, chain={"rpc": [priceless.url]})
        [done] = json.loads(site.command("challenge", "--json").stdout)
        rewrite(site.config, chain={"rpc": [lied_to.federation.chain.url]})
    assert done["gas_price"] is None
    assert done["convicted"] and done["gas_used"] <= shown["gas"] and done["received"] == BOND // 2
    assert coordinator.proposals(1) == ()
    assert coordinator.token.balance_of(site.account.address) == tokens + BOND // 2
    assert "no proposal stands in an open window" in site.command("challenge").stdout

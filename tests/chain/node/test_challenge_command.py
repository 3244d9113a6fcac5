"""`fednode challenge` on a real chain, by an account that holds no seat: against a real wrong proposal, and against
garbage."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from fedaggregator.daemon.actions import ProposePage
from fedprotocol.chain.account import keys
from fedprotocol.files.private import create_private
from fedprotocol.types import Phase, VoidReason
from support.aggregators import AggregatorSite
from support.config_files import rewrite
from support.evil_aggregator import EvilAggregator
from support.evm import Anvil
from support.live_federation import TOKEN, directory_url
from support.masked_clients import MaskedFederation
from support.node_kinds import FEES, node, without
from support.sites import PASSWORD, Site, Sites, toml
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


def test_it_makes_a_round_void_that_adds_up_to_garbage(tmp_path: Path) -> None:
    with Anvil() as chain, closing(MaskedFederation(chain, tmp_path, clients=3, challengeLength=600)) as made:
        site = onlooker(made, tmp_path / "onlooker")
        made.play(1, garbage_from=1)
        chain.rpc("evm_mine")
        said = site.command("challenge", "--dry-run").stdout
        assert "round 1: GARBAGE: the sum of all updates at leaf 0 is out of range" in said
        assert "impeach   updates 0 to 3" in said and "nobody is paid for it" in said and "nothing was sent" in said
        [shown] = json.loads(site.command("challenge", "--dry-run", "--json").stdout)
        assert (shown["garbage"], shown["leaf"], [call["name"] for call in shown["calls"]]) == (True, 0, ["impeach"])
        assert made.federation.phase(1) is Phase.AGGREGATE
        done = site.command("challenge").stdout
        assert "IMPEACHED with " in done and "the round is void" in done
        assert made.coordinator.round_view(1).void_reason is VoidReason.GARBAGE
        assert "no proposal stands in an open window" in site.command("challenge").stdout


def onlooker(made: MaskedFederation, folder: Path) -> Site:
    """A site without a seat that reads the stores of all clients."""
    folder.mkdir()
    account = made.federation.new_account()
    keys.save(folder / "key.json", account, PASSWORD, iterations=1024)
    create_private(folder / "password.txt").close()
    (folder / "password.txt").write_text(PASSWORD)
    tables = {
        "": {"home": "home"},
        "chain": {
            "rpc": [made.federation.chain.url],
            "chain_id": made.coordinator.chain_id,
            "coordinator": made.coordinator.address,
        },
        "store": {"url": "dir:store", "peers": [directory_url(store) for store in made.stores]},
        "account": {"keystore": "key.json", "password_file": "password.txt"},
        "model": {"source": "model"},
        "data": {"train": "train.jsonl"},
    }
    with create_private(folder / "fednode.toml") as file:
        file.write(toml(tables).encode())
    return Site(folder, account)

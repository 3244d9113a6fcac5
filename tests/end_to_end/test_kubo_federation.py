"""A whole federation on IPFS: each program has a Kubo daemon of its own, and no folder is shared."""

from __future__ import annotations

import json
import subprocess
import tomllib
from collections.abc import Iterator

import pytest
from attacks.fedavg import Observer
from fednode.sponsor.new_spec import publish
from fedprotocol.store.kubo_daemon import KuboDaemon
from fedprotocol.store.open import open_store
from fedprotocol.tree import cid
from fedprotocol.types import Phase
from support.aggregators import AggregatorSite
from support.config_files import rewrite
from support.evm import Anvil
from support.kubo import BINARY, needs_kubo
from support.kubo_network import KuboNetwork
from support.sites import Sites, choices

pytestmark = needs_kubo
NODES, ROUNDS = 3, 2
NAMES = [f"node-{i}" for i in range(NODES)]


@pytest.fixture(scope="module")
def kubos(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KuboNetwork]:
    with KuboNetwork(tmp_path_factory.mktemp("kubo"), ["sponsor", "aggregator", *NAMES]) as network:
        yield network


@pytest.fixture(scope="module")
def sites(kubos: KuboNetwork, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sites]:
    """Two rounds, played to their end by real programs."""
    training = choices().training.model_copy(update={"rounds": ROUNDS})
    node = {"keep_rounds": 1, "propose_after": 600, "attest_margin": 30}
    with Anvil("--block-time", "1") as chain:
        folder = tmp_path_factory.mktemp("federation")
        made = Sites(chain, folder, NODES, {"node": node, "data": {"test": None}}, {"training": training})
        publish(made.spec, open_store(f"kubo:{kubos.daemons['sponsor'].url}", folder / "sponsor-cache"))
        operator = AggregatorSite(made.federation, folder / "operator", [])
        configs = {"aggregator": operator.config_path}
        configs |= {name: site.config for name, site in zip(NAMES, made.sites, strict=True)}
        for name, config in configs.items():
            rewrite(config, store={"url": f"kubo:{kubos.daemons[name].url}", "peers": kubos.peers(name)})
        for site in made.sites:
            site.command("join")
        made.run_all()
        with operator.running():
            made.wait(lambda: made.coordinator.latest_final()[0] == ROUNDS, 400, "all rounds are final")
            made.wait(made.ended, 60, "the nodes end by themselves")
        yield made
        made.stop()


def test_every_global_is_right_and_the_aggregators(kubos: KuboNetwork, sites: Sites) -> None:
    url = f"kubo:{kubos.daemons['sponsor'].url}"
    observer = Observer(sites.coordinator, open_store(url, sites.folder / "observer", kubos.peers("sponsor")))
    aggregator = sites.coordinator.round_view(1).aggregator
    assert aggregator not in {site.account.address for site in sites.sites}
    for number in range(1, ROUNDS + 1):
        view = sites.coordinator.round_view(number)
        assert view.phase is Phase.FINAL
        assert view.accepted_mask == 2**NODES - 1
        assert view.aggregator == aggregator
        assert view.global_root == observer.right(number).root


def test_content_came_over_the_network(kubos: KuboNetwork, sites: Sites) -> None:
    for site in sites.sites:
        store = tomllib.loads(site.config.read_text())["store"]
        assert all(peer.startswith("/ip4/") for peer in store["peers"])
        assert not (site.folder / "store").exists()
    for name in (*NAMES, "aggregator"):
        received = json.loads(_ipfs(kubos.daemons[name], "bitswap", "stat", "--enc", "json"))["BlocksReceived"]
        assert received > 0, name


def test_pins_are_those_of_what_is_kept(kubos: KuboNetwork, sites: Sites) -> None:
    first, last = ([cid(update.root) for update in sites.coordinator.updates(number)] for number in (1, ROUNDS))
    newest = cid(sites.coordinator.latest_final()[1])
    for name in NAMES:
        pins = set(json.loads(_ipfs(kubos.daemons[name], "pin", "ls", "--type", "recursive", "--enc", "json"))["Keys"])
        assert newest in pins
        assert pins >= set(last)
        assert not pins & set(first), f"{name} still pins updates of round 1"


def _ipfs(daemon: KuboDaemon, *words: str) -> str:
    command = [str(BINARY), "--api", "/ip4/127.0.0.1/tcp/" + daemon.url.rpartition(":")[2], *words]
    return subprocess.run(
        command, capture_output=True, text=True, check=True, env={"IPFS_PATH": str(daemon.repo)}
    ).stdout

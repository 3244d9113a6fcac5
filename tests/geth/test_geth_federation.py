"""A whole federation on geth: real sites, a liar among them, blocks every second, two confirmations."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from attacks.fedavg import Observer
from fedprotocol.chain.read.events import Event, scan
from fedprotocol.store.open import open_store
from fedprotocol.types import Phase
from support.aggregators import AggregatorSite
from support.geth import Geth, needs_geth
from support.live_federation import TOKEN
from support.sites import Sites, choices

pytestmark = needs_geth
NODES, ROUNDS, CONFIRMATIONS = 2, 2, 2
LIAR = Path(__file__).parents[1] / "support/evil_aggregator.py"


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sites]:
    training = choices().training.model_copy(update={"rounds": ROUNDS})
    config = {
        "chain": {"confirmations": CONFIRMATIONS},
        "node": {"propose_after": 30, "attest_margin": 30},
        "data": {"test": None},
    }
    with Geth() as chain:
        folder = tmp_path_factory.mktemp("geth")
        made = Sites(chain, folder, NODES, config, {"training": training}, challengeLength=90, minWindow=30)
        yield made
        made.stop()


@pytest.fixture(scope="module")
def liar(sites: Sites) -> Iterator[str]:
    """Two rounds, played to their end by real programs, one of which lies; its address."""
    for site in sites.sites:
        site.command("join")
    checks = {c["name"]: c for c in json.loads(sites.sites[0].command("doctor", "--json", check=False).stdout)}
    assert checks["needs"]["ok"], checks["needs"]
    assert "not served" not in checks["needs"]["detail"]
    peers = [sites.folder / "sponsor", *(site.folder / "store" for site in sites.sites)]
    operator = AggregatorSite(sites.federation, sites.folder / "aggregator", peers)
    sites.run_all()
    with operator.log.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, str(LIAR), str(operator.config_path)],
            stdout=log,
            stderr=log,
            env={**os.environ, "PYTHONPATH": str(LIAR.parents[1])},
        )
    try:
        sites.wait(lambda: bool(events(sites, "Convicted")), 300, "the liar is convicted")
        sites.wait(lambda: sites.coordinator.latest_final()[0] == ROUNDS, 400, "all rounds are final")
        sites.wait(sites.ended, 120, "the nodes end by themselves")
    finally:
        process.kill()
        process.wait()
    yield operator.address


def events(sites: Sites, *names: str) -> list[Event]:
    return list(scan(sites.coordinator, 0, sites.coordinator.web3.eth.block_number, names))


def test_the_liar_is_convicted_by_a_site(liar: str, sites: Sites) -> None:
    convicted = events(sites, "Convicted")
    assert {event.args["proposer"] for event in convicted} == {liar}
    assert {event.args["challenger"] for event in convicted} <= {site.account.address for site in sites.sites}
    wrong = [event for event in events(sites, "Proposed") if event.args["proposer"] == liar]
    assert len(wrong) == len(convicted)
    assert sites.coordinator.token.balance_of(liar) == 10_000 * TOKEN - sum(event.args["bond"] for event in wrong)


@pytest.mark.usefixtures("liar")
def test_every_global_is_right(sites: Sites) -> None:
    stores = [str(site.folder / "store") for site in sites.sites]
    store = open_store(f"dir:{sites.folder / 'observer'}", sites.folder / "scratch", [f"dir:{s}" for s in stores])
    observer = Observer(sites.coordinator, store)
    for number in range(1, ROUNDS + 1):
        view = sites.coordinator.round_view(number)
        assert view.phase is Phase.FINAL
        assert view.accepted_mask == 2**NODES - 1
        assert view.global_root == observer.right(number).root

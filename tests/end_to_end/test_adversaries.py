"""Real processes, one client that withholds its update, and one aggregator that lies about one int32."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from fedaggregator.compute.inputs import delta_shape
from fedprotocol.chain.read.events import Event, scan
from fedprotocol.numbers import from_bytes
from fedprotocol.store.open import open_store
from fedprotocol.tree import cid
from fedprotocol.types import Phase
from support.aggregators import AggregatorSite
from support.evm import Anvil
from support.live_federation import TOKEN
from support.sites import Site, Sites
from support.synthetic import SyntheticClient

HONEST = 3
WRONG_LEAF, WRONG_VALUE = 1, 300  # 256 values a leaf
LIAR = Path(__file__).parents[1] / "support/evil_aggregator.py"


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sites]:
    """Three honest sites that leave challenging to aggregators, and proposing unless a wrong proposal stands alone."""
    with Anvil("--block-time", "1") as chain:
        made = Sites(
            chain,
            tmp_path_factory.mktemp("adversaries"),
            HONEST,
            config={"node": {"propose_after": 3600, "challenge_after": 3600, "attest_margin": 6, "claim": True}},
            spec={"quantization": {"kind": "nf4", "double_quant": True, "compute_dtype": "bf16"}},
            revealLength=120,
            attestLength=24,
            challengeLength=3600,  # much longer than the test: the round is final because all build on the right global
        )
        yield made
        made.stop()


@pytest.fixture(scope="module")
def withholder(sites: Sites) -> Iterator[SyntheticClient]:
    client = SyntheticClient(sites.federation, sites.folder / "withholder", seed=9, examples=64)
    yield client
    client.close()


@pytest.fixture(scope="module")
def story(sites: Sites, withholder: SyntheticClient) -> Iterator[dict[str, str]]:
    """One round with both injuries, until it is final; returns the addresses of the two aggregators."""
    coordinator = sites.coordinator
    withholder.join()
    for site in sites.sites:
        site.command("join")
    sites.run_all()
    withholder.commit(1, sites.spec.genesis.root)
    sites.federation.wait_for(1, Phase.REVEAL, seconds=240)
    withholder.reveal(1, publish=False)
    sites.federation.wait_for(1, Phase.ATTEST, seconds=120)
    withholder.attest(1)

    peers = [sites.folder / "sponsor", *(site.folder / "store" for site in sites.sites)]
    liar = AggregatorSite(sites.federation, sites.folder / "liar", peers)
    honest = AggregatorSite(sites.federation, sites.folder / "aggregator", peers)
    with liar.log.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, str(LIAR), str(liar.config_path), str(WRONG_VALUE)],
            stdout=log,
            stderr=log,
            env={**os.environ, "PYTHONPATH": str(LIAR.parents[1])},
        )
    try:
        sites.wait(lambda: len(_events(sites, "Proposed")) >= 1, 120, "the lie is proposed")
        sites.wait(lambda: all(_named(site) for site in sites.sites), 120, "every node names the wrong leaf")
        with honest.running():
            sites.wait(lambda: len(_events(sites, "Proposed")) == 2, 120, "the right one is proposed beside it")
            sites.wait(lambda: len(_events(sites, "Convicted")) == 1, 120, "the lie is convicted")
            sites.wait(lambda: coordinator.round_view(2).committed == HONEST, 240, "training goes on")
            withholder.commit(2, _events(sites, "Proposed")[1].args["root"])
            sites.federation.wait_for(1, Phase.FINAL, seconds=60)
            sites.wait(lambda: bool(_events(sites, "Claimed")), 60, "the bounty is collected")
    finally:
        process.kill()
        process.wait()
    yield {"liar": liar.address, "honest": honest.address}


def _events(sites: Sites, name: str) -> list[Event]:
    """Of round 1, as far as a round is named."""
    found = scan(sites.coordinator, 0, sites.coordinator.web3.eth.block_number, (name,))
    return [event for event in found if event.args.get("round", 1) == 1]


def _named(site: Site) -> bool:
    """Whether the node says, where its operator looks, which leaf of the lie is wrong."""
    status = json.loads(site.command("status", "--json").stdout)
    return any(
        "WRONG PROPOSAL" in problem["text"] and f"leaf {WRONG_LEAF} " in problem["text"]
        for problem in status["problems"]
    )


@pytest.mark.usefixtures("story")
def test_every_honest_node_attests_the_withheld_update_as_absent(sites: Sites, withholder: SyntheticClient) -> None:
    coordinator = sites.coordinator
    updates = coordinator.updates(1)
    absent = next(i for i, update in enumerate(updates) if update.client == withholder.address)
    everyone_else = (1 << len(updates)) - 1 & ~(1 << absent)
    bitmaps = {
        event.args["client"]: event.args["bitmap"]
        for event in scan(coordinator, 0, coordinator.web3.eth.block_number, ("Attested",))
        if event.args["round"] == 1
    }
    assert {site.account.address: everyone_else for site in sites.sites}.items() <= bitmaps.items()
    assert coordinator.round_view(1).accepted_mask == everyone_else
    for site in sites.sites:
        assert withholder.address in site.console()
        assert cid(withholder.updates[1].leaves.root) in site.console()


def test_the_right_proposal_stood_beside_the_wrong_one(story: dict[str, str], sites: Sites) -> None:
    wrong, right = _events(sites, "Proposed")
    assert wrong.args["proposer"] == story["liar"]
    assert right.args["proposer"] in {story["honest"], *(site.account.address for site in sites.sites)}
    for site in sites.sites:
        commitment = sites.coordinator.commitment(2, site.account.address)
        assert commitment.prior_root == right.args["root"] != wrong.args["root"]


def test_the_liar_pays_and_whoever_convicted_it_is_paid(story: dict[str, str], sites: Sites) -> None:
    coordinator = sites.coordinator
    wrong, right = _events(sites, "Proposed")
    [convicted] = _events(sites, "Convicted")
    bond = wrong.args["bond"]
    assert (convicted.args["proposer"], convicted.args["root"]) == (story["liar"], wrong.args["root"])
    assert convicted.args["bounty"] == bond // 2
    assert coordinator.balances().burned >= bond - bond // 2
    assert coordinator.token.balance_of(story["liar"]) == 10_000 * TOKEN - bond
    assert coordinator.owed(story["liar"]) == 0

    challenger = convicted.args["challenger"]
    assert challenger == story["honest"]
    claims = [event.args for event in _events(sites, "Claimed") if event.args["account"] == challenger]
    assert claims[0]["amount"] >= bond // 2
    assert coordinator.round_view(1).global_root == right.args["root"]


@pytest.mark.usefixtures("story")
def test_every_accepted_delta_is_non_zero(sites: Sites) -> None:
    coordinator, config = sites.coordinator, sites.coordinator.config()
    view, updates = coordinator.round_view(1), coordinator.updates(1)
    accepted = [update for i, update in enumerate(updates) if view.accepted_mask >> i & 1]
    assert len(accepted) == HONEST
    folders = {site.account.address: site.folder for site in sites.sites}
    for update in accepted:
        store = open_store(f"dir:{folders[update.client] / 'store'}", sites.folder / "cache")
        with store.get(update.root, delta_shape(config)) as leaves:
            mantissas = [from_bytes(leaves[i], config.mantissa_bits) for i in range(len(leaves))]
        assert any(np.any(leaf) for leaf in mantissas)

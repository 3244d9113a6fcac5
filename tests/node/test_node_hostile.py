"""Two real nodes beside a client that withholds its update and an aggregator that proposes one wrong int32."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from fedprotocol.car import Leaves
from fedprotocol.chain.sender import Sender
from fedprotocol.chain.types import Phase
from fedprotocol.journal import Journal
from fedprotocol.store.open import open_store
from fedprotocol.tree import cid, leaf_digest
from support.evm import Anvil
from support.live_federation import LiveFederation
from support.sites import Sites
from support.synthetic import SyntheticClient

PATIENCE = 240.0  # seconds; the machine may be busy
WRONG_LEAF = 3


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Sites, SyntheticClient]]:
    """Up to the point where both nodes have committed in round 2, with the window of round 1 still open."""
    with Anvil("--block-time", "1") as chain:
        config = {"node": {"propose_after": 600, "attest_margin": 600}}
        sites = Sites(
            chain, tmp_path_factory.mktemp("hostile"), 2, config=config, challengeLength=3600, attestLength=24
        )
        hostile = SyntheticClient(sites.federation, sites.folder / "hostile", seed=1, examples=20)
        try:
            for site in sites.sites:
                site.command("join")
            hostile.join()
            hostile.commit(1, sites.spec.genesis.root)
            sites.run_all()
            sites.wait(lambda: sites.federation.phase(1) is Phase.REVEAL, PATIENCE, "Reveal")
            hostile.reveal(1, publish=False)
            sites.wait(lambda: sites.federation.phase(1) is Phase.AGGREGATE, PATIENCE, "Aggregate")
            sites.wait(lambda: "recomputed" in sites.sites[0].console(), PATIENCE, "the own recomputation")
            propose_wrong(sites.federation, sites)
            sites.wait(lambda: sites.coordinator.last_opened() == 2, PATIENCE, "round 2")
            sites.wait(lambda: sites.coordinator.round_view(2).committed == 2, PATIENCE, "both commits")
            sites.wait(lambda: len(sites.coordinator.proposals(1)) == 2, PATIENCE, "the right proposal")
            judged = "WRONG PROPOSAL"
            sites.wait(lambda: all(judged in site.console() for site in sites.sites), PATIENCE, "both judgements")
            yield sites, hostile
        finally:
            sites.stop()
            hostile.close()


def propose_wrong(federation: LiveFederation, sites: Sites) -> None:
    """The right global with one unit more in one value of leaf 3."""
    root = bytes.fromhex(recomputed(sites, 0))
    store = open_store(f"dir:{sites.sites[0].folder}/store", sites.folder / "cache")
    with store.get(root, sites.spec.spec.layout.global_shape) as right:
        digests = [right.digest(index) for index in range(len(right))]
        digests[WRONG_LEAF] = leaf_digest(one_more(right))
    account = federation.new_account()
    coordinator = federation.coordinator
    with Journal(sites.folder / "wrong.sqlite") as journal:
        sender = Sender(coordinator.web3, account, journal)
        coordinator.token.ensure_allowance(sender, coordinator.address, coordinator.bond_of(1))
        sender.send(coordinator.calls.propose(1, 0, digests), "propose")


def one_more(leaves: Leaves) -> bytes:
    leaf = bytearray(leaves[WRONG_LEAF])
    leaf[-1] ^= 1
    return bytes(leaf)


def recomputed(sites: Sites, index: int) -> str:
    with Journal(sites.sites[index].home / "journal.sqlite", read_only=True) as journal:
        return str(journal.recall("recomputed")["1"])


def test_the_withheld_update_is_attested_as_absent_and_left_out(attacked: tuple[Sites, SyntheticClient]) -> None:
    sites, hostile = attacked
    updates = sites.coordinator.updates(1)
    [index] = [i for i, update in enumerate(updates) if update.client == hostile.address]
    view = sites.coordinator.round_view(1)
    assert view.accepted_mask == 0b111 & ~(1 << index)
    for site in sites.sites:
        named = [line for line in site.console().splitlines() if "attesting without" in line]
        assert named, site.console()
        assert hostile.address in named[0]
        assert cid(updates[index].root) in named[0]


def test_the_wrong_leaf_is_named_and_the_right_proposal_stands_beside(
    attacked: tuple[Sites, SyntheticClient],
) -> None:
    sites, _ = attacked
    wrong, right = sites.coordinator.proposals(1)
    assert right.root.hex() == recomputed(sites, 0) == recomputed(sites, 1)
    assert wrong.root != right.root
    assert right.proposer in {site.account.address for site in sites.sites}
    for site in sites.sites:
        [named] = [line for line in site.console().splitlines() if "WRONG PROPOSAL" in line]
        assert f"leaf {WRONG_LEAF} should be" in named
        assert wrong.proposer in named
        assert cid(wrong.root) in named


def test_the_next_round_is_trained_on_the_own_recomputation(attacked: tuple[Sites, SyntheticClient]) -> None:
    sites, _ = attacked
    for site in sites.sites:
        assert sites.coordinator.commitment(2, site.account.address).prior_root.hex() == recomputed(sites, 0)


def test_status_shows_what_a_person_should_look_at(attacked: tuple[Sites, SyntheticClient]) -> None:
    sites, hostile = attacked
    said = json.loads(sites.sites[0].command("status", "--json").stdout)
    assert said["running"] is True
    assert any(hostile.address in problem for problem in said["problems"])
    assert any("WRONG PROPOSAL" in problem for problem in said["problems"])


def test_a_second_process_on_the_same_journal_is_refused(attacked: tuple[Sites, SyntheticClient]) -> None:
    sites, _ = attacked
    done = sites.sites[0].command("run", check=False)
    assert done.returncode == 1
    assert "in use by another process" in done.stderr
    assert "Traceback" not in done.stderr

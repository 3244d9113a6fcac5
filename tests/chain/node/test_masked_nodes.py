"""Real nodes of a masked federation: their global is the mean of what none of them showed, whatever is restarted when;
and a round that is repeated shows no difference of two sums."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fednode.daemon.actions import registry as do
from fednode.daemon.actions.action import TooEarly
from fednode.daemon.earlier_sets import OlderJournal, Unsafe, require_likely_set
from fednode.daemon.wait_reason import Cause
from fednode.doctor.check import NotFit, Patient
from fednode.doctor.leaving import leaves
from fednode.doctor.masks import masks
from fednode.frozen_factors import frozen_leaves
from fednode.masking.site_journal import MaskJournal
from fednode.masking.weighted import weighted_delta
from fednode.policy.log import Log
from fednode.privacy import MASKED
from fednode.training.at_home import kept_units
from fedprotocol.chain.read.events import scan
from fedprotocol.store.base import NotFound, Unavailable
from fedprotocol.store.open import open_store
from fedprotocol.types import Phase, VoidReason
from numpy.typing import NDArray
from support.deployed import sender
from support.evm import Anvil
from support.masked_sites import BOUND, SCALE, MaskedSites, Turned, commit_in_turn, turn_until
from support.rule_formulas import clamped, rounded
from support.site_policies import policy_text

pytestmark = pytest.mark.model
STEPS = (do.Train, do.Commit, do.FixMembers, do.Mask, do.Reveal, do.Publish, do.CheckInputs, do.Attest)


@pytest.fixture
def chain() -> Iterator[Anvil]:
    with Anvil() as anvil:
        yield anvil


def unmasked(nodes: list[Turned], number: int) -> tuple[NDArray[np.int64], int]:
    """Sum of the weighted updates that lie at the sites, and of their weights."""
    total, weights = None, 0
    for node in nodes:
        trained = MaskJournal(node.session.journal).trained(number)
        record = node.session.journal.update(number)
        assert trained is not None and record is not None
        rng = np.random.default_rng([node.session.config.node.seed, number])
        own = weighted_delta(kept_units(trained.file), record.examples, SCALE, BOUND, rng).values.astype(np.int64)
        total, weights = own if total is None else total + own, weights + record.examples
    assert total is not None
    return total, weights


def weights_of(node: Turned, root: bytes) -> NDArray[np.int64]:
    layout = node.session.spec.layout
    with node.session.store.get(root, layout.global_shape) as leaves:
        return layout.weights(leaves).astype(np.int64)


def test_the_global_is_the_mean_of_what_nobody_showed_and_every_step_survives_a_restart(
    chain: Anvil, tiny_folder: Path, tmp_path: Path
) -> None:
    """Factor B alone is trained: leaves of A are open, and zeros."""
    sites = MaskedSites(chain, tmp_path, tiny_folder, factors="b")
    nodes, coordinator = [Turned(site) for site in sites.sites], sites.coordinator
    open_to_all = frozen_leaves(sites.spec.spec, 1)
    assert 0 < len(open_to_all) < sites.spec.spec.layout.leaf_count
    restarted: set[type[do.Action]] = set()
    private: dict[int, tuple[NDArray[np.int64], int]] = {}
    folders = [f"dir:{site.folder / 'store'}" for site in sites.sites]
    store = open_store(folders[0], tmp_path / "looked-at", folders[1:])

    def restart(node: Turned, action: do.Action | None) -> None:
        if node is nodes[0] and isinstance(action, STEPS) and type(action) not in restarted:
            restarted.add(type(action))
            node.restart()
        number = coordinator.last_opened()
        if number and number not in private and sites.federation.phase(number) is Phase.AGGREGATE:
            private[number] = unmasked(nodes, number)
        if isinstance(action, do.Reveal):
            assert served(sites, node, action.round) == 0, "nothing is published before all have revealed"

    try:
        prior = sites.spec.genesis.root
        for number in (1, 2):
            commit_in_turn(nodes, number, after=restart)
            turn_until(nodes, lambda *_, n=number: n in private, after=restart)  # type: ignore[misc]
            view = coordinator.round_view(number)
            assert (view.revealed, view.accepted_mask) == (3, 0b111)
            turn_until(nodes, lambda *_, n=number: sites.federation.phase(n) is Phase.CHALLENGE)  # type: ignore[misc]
            sites.federation.pass_time(7)
            root = coordinator.round_view(number).global_root
            total, weights = private[number]
            before = weights_of(nodes[1], prior)
            expected = [
                clamped(old + rounded(part * 2**SCALE, weights))
                for old, part in zip(before.tolist(), total.tolist(), strict=True)
            ]
            assert total.any()
            for update in coordinator.updates(number):
                shown = store.get(update.root, nodes[0].session.spec.layout.delta_shape)
                assert {leaf for leaf in range(len(shown)) if not any(shown[leaf])} == open_to_all
            turn_until(nodes, lambda node, _: node is nodes[1])
            assert weights_of(nodes[1], root).tolist() == expected
            prior = root
        assert restarted == set(STEPS)
        turn_until(nodes, lambda *_: not any(MaskJournal(node.session.journal).unerased() for node in nodes))
        for node in nodes:
            for number in (1, 2):
                assert [key.secret for key in MaskJournal(node.session.journal).keys(number)] == [b""]
            assert not list((node.site.home / "updates").glob("*.npy"))
            assert coordinator.seat(node.address).stake == 1_300 * 10**18, "nobody paid a penalty"
            left = Log(node.session.config.policy_log).read().departures()
            assert [one.mode for one in left] == ["masked", "masked"]
            assert all(one.loss_before == one.loss_after == 0 for one in left)
    finally:
        for node in nodes:
            node.close()


def served(sites: MaskedSites, node: Turned, number: int) -> int:
    """How many stores have the masked update that `node` revealed."""
    update, shape = node.session.journal.update(number), node.session.spec.layout.delta_shape
    assert update is not None
    found = 0
    for site in sites.sites:
        try:
            open_store(f"dir:{site.folder / 'store'}", sites.folder / "looked").get(update.root, shape).close()
        except NotFound:
            continue
        found += 1
    return found


def an_account_with_code_is_not_fit(patient: Patient, chain: Anvil) -> None:
    """As one that lets a wallet's contract act for it (EIP-7702)."""
    account = patient.session.address
    chain.rpc("anvil_setCode", account, "0xef0100" + chain.accounts[1][2:].lower())
    with pytest.raises(NotFit, match="has code"):
        masks(patient)
    chain.rpc("anvil_setCode", account, "0x")


def test_a_repeated_round_and_what_a_site_refuses(chain: Anvil, tiny_folder: Path, tmp_path: Path) -> None:
    """Round 1 is published and abandoned; then a member stays away, which would show its update."""
    sites = MaskedSites(chain, tmp_path, tiny_folder, count=4, abandonAfter=3600)
    for site in sites.sites:
        text = site.config.read_text()
        site.config.write_text(text.replace("propose_after = 1", "propose_after = 100000"))
    nodes, coordinator = [Turned(site) for site in sites.sites], sites.coordinator
    first, older = nodes[0], tmp_path / "older.sqlite"
    try:
        patient = Patient(first.session, first.site.config)
        assert MASKED[0] in sites.said and MASKED[0] in leaves(patient)
        assert masks(patient) == "2 of its 3 peers must take part in a round, and enough hold seats"
        an_account_with_code_is_not_fit(patient, chain)
        commit_in_turn(nodes[:1], 1)
        first.close()
        shutil.copy(first.site.home / "journal.sqlite", older)
        first.restart()
        commit_in_turn(nodes[1:], 1)
        assert sites.federation.phase(1) is Phase.REVEAL
        refuses_a_set_without_its_own_peers(first)
        waits_until_the_set_is_final(first, sites)
        reveals_nothing_for_members_that_are_gone(first, nodes[3], sites)
        turn_until(nodes, lambda *_: sites.federation.phase(1) is Phase.ATTEST)
        publishes_again_what_it_could_not(first, sites)
        turn_until(nodes, lambda *_: sites.federation.phase(1) is Phase.AGGREGATE)
        sites.federation.pass_time(3601)
        turn_until(nodes, lambda *_: sites.federation.phase(1) is Phase.VOID)
        assert coordinator.round_view(1).void_reason is VoidReason.ABANDONED
        a_newcomer_keeps_out(first, sites, tmp_path / "newcomer.sqlite")

        commit_in_turn(nodes[:3], 2)
        sites.federation.pass_time(601)
        assert sites.federation.phase(2) is Phase.REVEAL
        turn_until([first], lambda _, action: isinstance(action, do.Wait) and action.cause is Cause.RETRY)
        activity = first.daemon._reporter._activity[0]
        assert nodes[3].address in activity and "went" in activity
        assert MaskJournal(first.session.journal).fixed(2) is None
        tools = with_private(first, changed_in=(2,))
        do.FixMembers(2).send(tools, first.session.snapshot(), first.daemon._facts(first.session.snapshot()))
        fixed = MaskJournal(first.session.journal).fixed(2)
        assert fixed is not None and len(fixed.members) == 3

        first.close()
        for suffix in ("", "-wal", "-shm"):
            (first.site.home / f"journal.sqlite{suffix}").unlink(missing_ok=True)
        shutil.copy(older, first.site.home / "journal.sqlite")
        first.restart()
        tools = with_private(first, changed_in=(2,))
        with pytest.raises(OlderJournal, match="round 1"):
            do.Commit(2)._of_key(trained_for(tools, 2, sites.spec.genesis.root))
    finally:
        for node in nodes:
            node.close()


def with_private(node: Turned, **changes: Any) -> Any:
    config = node.session.config
    assert config.private is not None
    private = config.private.model_copy(update=changes)
    return replace(node.daemon._tools, config=config.model_copy(update={"private": private}))


def trained_for(tools: Any, number: int, prior: bytes) -> Any:
    journal = MaskJournal(tools.journal)
    trained = journal.trained(1)
    assert trained is not None
    journal.note_trained(number, replace(trained, prior_root=prior))
    return tools


def a_newcomer_keeps_out(node: Turned, sites: MaskedSites, journal: Path) -> None:
    """Who came after the void round would be the difference of both sums. It does not hold up the others."""
    coordinator, account = sites.coordinator, sites.federation.new_account()
    newcomer, stake = sender(sites.federation.chain, account, journal), coordinator.config().min_stake
    coordinator.token.ensure_allowance(newcomer, coordinator.address, stake)
    newcomer.send(coordinator.calls.join(stake), "join")
    with pytest.raises(Unsafe, match="others published in round 1 on the same global"):
        require_likely_set(replace(node.daemon._tools, sender=newcomer), 2, sites.spec.genesis.root)
    require_likely_set(node.daemon._tools, 2, sites.spec.genesis.root)
    newcomer.send(coordinator.calls.exit(), "exit")


def refuses_a_set_without_its_own_peers(node: Turned) -> None:
    """Neither the config's, nor those of the site's policy, whatever the config says."""
    stranger = "0x" + "11" * 20
    known, snapshot = node.session.config.private, node.session.snapshot()
    assert known is not None
    spec = "0x" + snapshot.config.spec_digest.hex()
    policy = node.site.folder / "policy.toml"
    policy.write_text(policy_text(spec, modes=["masked"], peers=[known.peers[0], stranger]))
    under = replace(node.daemon._tools, config=node.session.config.model_copy(update={"policy": policy}))
    for tools, named in (
        (with_private(node, peers=(known.peers[0], stranger), at_least=2), r"\[private\] peers"),
        (under, "peers that the policy names"),
    ):
        with pytest.raises(Unsafe, match=f"1 of at least 2.*{named}.*take part; missing: {stranger}"):
            do.FixMembers(1).send(tools, snapshot, node.daemon._facts(snapshot))
    assert MaskJournal(node.session.journal).fixed(1) is None


def publishes_again_what_it_could_not(node: Turned, sites: MaskedSites) -> None:
    """A store that fails, or a kill, leaves the update unserved; what others revealed must be what is final."""
    snapshot, journal = node.session.snapshot(), MaskJournal(node.session.journal)
    state = snapshot.round(1)
    assert state is not None

    class Full:
        def put(self, _leaves: Any) -> None:
            raise Unavailable("the disk is full")

    with pytest.raises(TooEarly, match="last reveal of round 1"):
        do.Publish(1, bytes(32)).send(node.daemon._tools, snapshot, node.daemon._facts(snapshot))
    assert not journal.published(1)
    with pytest.raises(Unavailable):
        tools = replace(node.daemon._tools, store=Full())  # type: ignore[arg-type]
        do.Publish(1, state.view.inputs_hash).send(tools, snapshot, node.daemon._facts(snapshot))
    assert journal.published(1) and not journal.served(1) and served(sites, node, 1) == 0
    node.restart()
    turn_until([node], lambda _, action: action == do.Publish(1, state.view.inputs_hash))
    assert MaskJournal(node.session.journal).served(1) and served(sites, node, 1) == 1


def waits_until_the_set_is_final(node: Turned, sites: MaskedSites) -> None:
    config = node.session.config
    deep = config.model_copy(update={"chain": config.chain.model_copy(update={"confirmations": 3})})
    tools, snapshot = replace(node.daemon._tools, config=deep), node.session.snapshot()
    with pytest.raises(TooEarly, match="3 blocks on top of the end of round 1's Train"):
        do.FixMembers(1).send(tools, snapshot, node.daemon._facts(snapshot))
    for _ in range(3):
        sites.federation.chain.rpc("evm_mine")
    do.FixMembers(1).send(tools, snapshot, node.daemon._facts(snapshot))
    assert MaskJournal(node.session.journal).fixed(1) is not None


def reveals_nothing_for_members_that_are_gone(node: Turned, last: Turned, sites: MaskedSites) -> None:
    """A re-org takes the last commit away when this node has masked for its account. Then it comes back."""
    turn_until([node], lambda *_: node.session.journal.update(1) is not None)
    chain, coordinator, fixed = sites.federation.chain, sites.coordinator, MaskJournal(node.session.journal).fixed(1)
    head = chain.web3.eth.block_number
    *_, newest = scan(coordinator, 0, head, ("Committed",))
    assert newest.args["client"] == last.address
    chain.rpc("anvil_reorg", head - newest.block + 1, [])
    assert sites.federation.phase(1) is Phase.TRAIN
    snapshot = node.session.snapshot()
    with pytest.raises(Unsafe, match=f"no longer those that masks are for.*{last.address}.*reveals nothing"):
        do.Reveal(1).send(node.daemon._tools, snapshot, node.daemon._facts(snapshot))
    commit_in_turn([last], 1)
    assert sites.federation.phase(1) is Phase.REVEAL and MaskJournal(node.session.journal).fixed(1) == fixed

"""Whole aggregators on a real anvil with the real contracts, stores and journals; only the deltas are random."""

from __future__ import annotations

import json
import logging
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from fedaggregator.daemon.actions import Approve, BuildCase, Claim, Done, Merge, ProposePage, Report, Wait
from fedaggregator.daemon.decide import decide
from fedaggregator.daemon.loop import NotYet
from fedaggregator.daemon.run import MONEY_SECONDS, Aggregator
from fedprotocol.car import MemoryLeaves
from fedprotocol.chain.errors import ContractReverted
from fedprotocol.chain.read.events import scan
from fedprotocol.chain.read.snapshot import take_snapshot
from fedprotocol.journal import Journal
from fedprotocol.numbers import join_leaves, split_leaves
from fedprotocol.tree import cid
from fedprotocol.types import Phase
from support.aggregators import COMMAND, AggregatorSite, step_past_announcing, step_until
from support.evil_aggregator import WRONG_VALUE, EvilAggregator
from support.evm import Anvil
from support.live_federation import TOKEN, LiveFederation
from support.synthetic import SyntheticClient, expected_global, play_inputs


@pytest.fixture
def chain() -> Iterator[Anvil]:
    with Anvil() as anvil:
        yield anvil


Clients = Callable[[LiveFederation, int], list[SyntheticClient]]


@pytest.fixture
def clients(tmp_path: Path) -> Iterator[Clients]:
    """Makes seated clients; the first one's store holds the genesis."""
    made: list[SyntheticClient] = []

    def make(federation: LiveFederation, count: int) -> list[SyntheticClient]:
        for seed in range(count):
            made.append(SyntheticClient(federation, tmp_path / f"client-{seed}", seed, examples=100 * (seed + 1)))
            made[-1].join()
        made[0].store.put(federation.genesis)
        return made

    yield make
    for client in made:
        client.close()


def genesis_values(federation: LiveFederation) -> np.ndarray:
    return join_leaves([federation.genesis[i] for i in range(len(federation.genesis))], 32, federation.values)


def test_two_aggregators_finish_two_rounds_and_one_is_paid(chain: Anvil, clients: Clients, tmp_path: Path) -> None:
    federation = LiveFederation(chain, challengeLength=3, totalRounds=2)
    coordinator = federation.coordinator
    members = clients(federation, 3)
    folders = [client.store_path for client in members]
    # Each also reads the other's store: the winner's global reaches the one that was late.
    names = [tmp_path / "aggregator-a", tmp_path / "aggregator-b"]
    sites = [
        AggregatorSite(federation, name, [*folders, *(other / "store" for other in names if other != name)])
        for name in names
    ]
    processes = [site.start() for site in sites]
    try:
        prior, prior_root = genesis_values(federation), federation.genesis.root
        for number in (1, 2):
            play_inputs(members, number, prior_root)
            federation.wait_for(number, Phase.FINAL)
            expected = expected_global(federation, prior, members, number)
            view = coordinator.round_view(number)
            assert view.global_root == MemoryLeaves(split_leaves(expected, 32)).root
            assert view.aggregator in [site.address for site in sites]
            prior, prior_root = expected, view.global_root
        for site, process in zip(sites, processes, strict=True):
            assert process.wait(timeout=60) == 0, site.log.read_text()  # the federation is complete: it ends by itself
    finally:
        for process in processes:
            process.kill()
            process.wait()

    events = list(scan(coordinator, 0, chain.web3.eth.block_number, ("Proposed", "Convicted", "Claimed")))
    assert [event.name for event in events if event.name != "Claimed"] == ["Proposed", "Proposed"]
    rewards = {site.address: 10_000 * TOKEN for site in sites}
    for number in (1, 2):
        rewards[coordinator.round_view(number).aggregator] += 10 * TOKEN  # 1,000 basis points of 100 tokens
    assert {site.address: coordinator.token.balance_of(site.address) for site in sites} == rewards
    for site in sites:
        assert "round 2:" in site.log.read_text()


def test_a_wrong_proposal_is_named_by_leaf_and_the_right_one_put_beside_it(
    chain: Anvil, clients: Clients, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    federation = LiveFederation(chain)
    members = clients(federation, 3)
    folders = [client.store_path for client in members]
    evil_site = AggregatorSite(federation, tmp_path / "evil", folders)
    honest_site = AggregatorSite(federation, tmp_path / "honest", folders)
    play_inputs(members, 1, federation.genesis.root)
    with EvilAggregator.open(evil_site.config(), evil_site.account) as evil:
        step_until(evil, ProposePage)
    chain.set_time(chain.now() + 1)  # a proposal is judged from the second after it on
    with caplog.at_level(logging.INFO), Aggregator.open(honest_site.config(), honest_site.account) as honest:
        assert [type(honest.step()) for _ in range(3)] == [Merge, Approve, ProposePage]
        report = honest.step()
        assert isinstance(report, Report) and report.proposal.proposer == evil_site.address
        [named] = [record.getMessage() for record in caplog.records if "WRONG PROPOSAL" in record.getMessage()]
        assert f"leaf {WRONG_VALUE // 32} should be" in named and evil_site.address in named
        assert isinstance(honest.step(), BuildCase)

    expected = MemoryLeaves(split_leaves(expected_global(federation, genesis_values(federation), members, 1), 32))
    live = federation.coordinator.proposals(1)
    assert [p.proposer for p in live] == [evil_site.address, honest_site.address]
    assert live[1].root == expected.root != live[0].root
    assert live[1].bond == live[0].bond, "others' lies do not make the right one dearer"


def test_kill_minus_nine_at_every_step(chain: Anvil, clients: Clients, tmp_path: Path) -> None:
    federation = LiveFederation(chain, leaf_count=2_050, totalRounds=1, challengeLength=4)
    members = clients(federation, 2)
    site = AggregatorSite(federation, tmp_path / "aggregator", [client.store_path for client in members])
    play_inputs(members, 1, federation.genesis.root)
    for step in (
        "merging",
        "letting the coordinator take the bond",
        "proposing, page 0",
        "proposing, page 1",
        "claiming",
    ):
        process = site.start()
        try:
            wait_for_log(site, step)
        finally:
            process.kill()
            process.wait()
    assert site.start().wait(timeout=60) == 0, site.log.read_text()
    view = federation.coordinator.round_view(1)
    expected = expected_global(federation, genesis_values(federation), members, 1)
    assert view.phase is Phase.FINAL and view.global_root == MemoryLeaves(split_leaves(expected, 32)).root
    names = [e.name for e in scan(federation.coordinator, 0, chain.web3.eth.block_number) if e.name.startswith("Prop")]
    assert names.count("Proposed") == 1 and names.count("ProposalPaged") >= 2
    assert federation.coordinator.token.balance_of(site.address) == 10_010 * TOKEN


def wait_for_log(site: AggregatorSite, words: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while words not in site.log.read_text():
        assert time.monotonic() < deadline, site.log.read_text()
        time.sleep(0.005)


def test_the_slower_of_two_loses_nothing(chain: Anvil, clients: Clients, tmp_path: Path) -> None:
    federation = LiveFederation(chain)
    members = clients(federation, 2)
    folders = [client.store_path for client in members]
    fast_site = AggregatorSite(federation, tmp_path / "fast", folders)
    slow_site = AggregatorSite(federation, tmp_path / "slow", folders)
    play_inputs(members, 1, federation.genesis.root)
    with Aggregator.open(slow_site.config(), slow_site.account) as slow:
        step_until(slow, Approve)
        before = take_snapshot(slow.coordinator, slow_site.address)  # what it knows when the other one is quicker
        with Aggregator.open(fast_site.config(), fast_site.account) as fast:
            step_until(fast, ProposePage)
        with pytest.raises(NotYet, match="another aggregator was first"):
            slow.propose(before.rounds[-1], 0, before.bond)
        assert isinstance(step_past_announcing(slow), Wait)
        federation.pass_time(601)
        assert slow.step() == Claim(frozenset({1}))  # it cannot know yet that nothing is owed
        assert isinstance(step_past_announcing(slow), Wait)
    assert federation.coordinator.token.balance_of(slow_site.address) == 10_000 * TOKEN


def test_nothing_is_proposed_before_the_inputs_are_confirmed(chain: Anvil, clients: Clients, tmp_path: Path) -> None:
    federation = LiveFederation(chain)
    members = clients(federation, 2)
    site = AggregatorSite(federation, tmp_path / "aggregator", [client.store_path for client in members])
    site.config_path.write_text(site.config_path.read_text().replace("# confirmations = 0", "confirmations = 3"))
    play_inputs(members, 1, federation.genesis.root)
    with Aggregator.open(site.config(), site.account) as aggregator:
        assert isinstance(aggregator.step(), Merge)
        for _ in range(3):
            waits = aggregator.step()
            assert isinstance(waits, Wait) and "confirmations" in waits.reason
            chain.rpc("evm_mine")
        now = take_snapshot(aggregator.coordinator, site.address)
        assert isinstance(decide(now, aggregator._facts(now)), Approve)


def test_a_page_that_is_in_is_not_sent_again(chain: Anvil, clients: Clients, tmp_path: Path) -> None:
    federation = LiveFederation(chain, leaf_count=2_050)
    members = clients(federation, 2)
    site = AggregatorSite(federation, tmp_path / "aggregator", [client.store_path for client in members])
    play_inputs(members, 1, federation.genesis.root)
    with Aggregator.open(site.config(), site.account) as first:
        assert step_until(first, ProposePage) == ProposePage(1, 0)
    with Aggregator.open(site.config(), site.account) as second:
        assert second.step() == ProposePage(1, 1)
    assert [p.proposer for p in federation.coordinator.proposals(1)] == [site.address]


def test_inputs_that_are_missing_are_waited_for(chain: Anvil, clients: Clients, tmp_path: Path) -> None:
    federation = LiveFederation(chain, totalRounds=1, challengeLength=2)
    members = clients(federation, 2)
    site = AggregatorSite(federation, tmp_path / "aggregator", [client.store_path for client in members])
    play_inputs(members, 1, federation.genesis.root)
    late = members[1]
    late.store.unpin(late.updates[1].leaves.root)
    with site.running() as process:
        deadline = time.monotonic() + 30
        while not site.config().status.exists() or late.address not in site.config().status.read_text():
            assert time.monotonic() < deadline, site.log.read_text()
            time.sleep(0.1)
        said = json.loads(subprocess.check_output([COMMAND, "status", "--json", "-c", site.config_path]))
        assert said["running"] and late.address in said["daemon"]["problems"][0]["text"]
        assert said["rounds"][0]["phase"] == "Aggregate"
        late.store.put(late.updates[1].leaves)
        assert process.wait(timeout=60) == 0, site.log.read_text()
    assert federation.phase(1) is Phase.FINAL


def test_without_tokens_for_the_bond_it_says_so(chain: Anvil, clients: Clients, tmp_path: Path) -> None:
    federation = LiveFederation(chain)
    members = clients(federation, 2)
    site = AggregatorSite(federation, tmp_path / "aggregator", [c.store_path for c in members], tokens=49 * TOKEN)
    play_inputs(members, 1, federation.genesis.root)
    with Aggregator.open(site.config(), site.account) as poor:
        waits = step_until(poor, Wait)
        assert isinstance(waits, Wait) and waits.problem and site.address in waits.reason
        federation.mint(site.address, TOKEN)
        step_until(poor, ProposePage)
        assert isinstance(step_past_announcing(poor), Wait)
        federation.pass_time(601)
        assert poor.step() == Claim(frozenset({1}))
    assert federation.coordinator.token.balance_of(site.address) == 60 * TOKEN


def test_one_whom_the_token_blocks_works_on_and_is_paid_later(chain: Anvil, clients: Clients, tmp_path: Path) -> None:
    federation = LiveFederation(chain, mock="BlockingToken")
    set_blocked = federation.token.functions.setBlocked
    members = clients(federation, 2)
    site = AggregatorSite(federation, tmp_path / "aggregator", [client.store_path for client in members])
    play_inputs(members, 1, federation.genesis.root)
    with Aggregator.open(site.config(), site.account) as blocked:
        step_until(blocked, ProposePage)
        federation.transact(set_blocked(site.address, True))
        federation.pass_time(601)
        with pytest.raises(ContractReverted):
            step_until(blocked, Claim)
        assert step_past_announcing(blocked) == Wait(
            "what is owed could not be claimed; it is tried again", problem=True
        )
        play_inputs(members, 2, federation.coordinator.latest_final()[1])
        step_until(blocked, ProposePage)
        federation.transact(set_blocked(site.address, False))
        federation.pass_time(601)
    with Aggregator.open(site.config(), site.account) as anew:  # it would try by itself, within a minute
        assert anew.step() == Claim(frozenset({1, 2}))
    assert federation.coordinator.token.balance_of(site.address) == 10_020 * TOKEN


def test_money_that_is_stuck_is_called_back(chain: Anvil, clients: Clients, tmp_path: Path) -> None:
    """A conviction may stand behind it in the account's queue: approvals and claims have deadlines of their own."""
    federation = LiveFederation(chain, challengeLength=3)
    members = clients(federation, 2)
    site = AggregatorSite(federation, tmp_path / "site", [client.store_path for client in members])
    play_inputs(members, 1, federation.genesis.root)
    with Aggregator.open(site.config(), site.account) as aggregator:
        step_until(aggregator, ProposePage)
        federation.pass_time(10)
        step_until(aggregator, Claim)
        last = chain.web3.eth.get_block("latest")["timestamp"]
    with Journal(site.config().journal, read_only=True) as journal:
        deadlines = {tx.label.split()[0]: tx.deadline for tx in journal.outbox_all()}
    for label in ("approve", "claim"):
        assert deadlines[label] is not None and deadlines[label] <= last + MONEY_SECONDS, label


def test_old_rounds_are_released_and_the_genesis_is_kept(chain: Anvil, clients: Clients, tmp_path: Path) -> None:
    federation = LiveFederation(chain, totalRounds=3)
    members = clients(federation, 2)
    site = AggregatorSite(
        federation,
        tmp_path / "aggregator",
        [client.store_path for client in members],
        genesis=federation.genesis,
        keep_rounds=1,
    )
    prior_root, globals_ = federation.genesis.root, []
    with Aggregator.open(site.config(), site.account) as aggregator:
        for number in (1, 2, 3):
            play_inputs(members, number, prior_root)
            step_until(aggregator, ProposePage)
            federation.pass_time(601)
            prior_root = federation.coordinator.round_view(number).global_root
            globals_.append(prior_root)
        assert isinstance(step_until(aggregator, Done), Done)
    inputs = {number: {cid(c.updates[number].leaves.root) for c in members} for number in (1, 2, 3)}
    assert held_roots(site) == {cid(federation.genesis.root), cid(globals_[1]), cid(globals_[2]), *inputs[3]}


def test_a_lost_global_is_computed_again(chain: Anvil, clients: Clients, tmp_path: Path) -> None:
    federation = LiveFederation(chain)
    members = clients(federation, 2)
    site = AggregatorSite(federation, tmp_path / "aggregator", [client.store_path for client in members])
    play_inputs(members, 1, federation.genesis.root)
    with Aggregator.open(site.config(), site.account) as aggregator:
        step_until(aggregator, Merge)
        [root] = [f for f in held_roots(site) if f not in held_roots(members[0]) | held_roots(members[1])]
        (site.store_path / "trees" / f"{root}.car").unlink()
        with pytest.raises(Exception, match=root):
            step_until(aggregator, ProposePage)
        assert isinstance(step_until(aggregator, Merge, ProposePage), Merge)
        step_until(aggregator, ProposePage)


def held_roots(site: AggregatorSite | SyntheticClient) -> set[str]:
    return {path.stem for path in (site.store_path / "trees").glob("*.car")}


def test_a_chain_that_goes_away_is_said_and_survived(tmp_path: Path) -> None:
    with Anvil() as chain:
        site = AggregatorSite(LiveFederation(chain), tmp_path / "aggregator", [])
        process = site.start()
        wait_for_log(site, "round 1 is not open yet")
    try:
        wait_for_log(site, "no RPC endpoint answers")
        deadline = time.monotonic() + 60
        while "no RPC endpoint answers" not in str(json.loads(site.config().status.read_text())["problems"]):
            assert time.monotonic() < deadline, site.log.read_text()
            time.sleep(0.05)
        process.terminate()
        assert process.wait(timeout=60) == 0
    finally:
        process.kill()
        process.wait()

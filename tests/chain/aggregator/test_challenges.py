"""Wrong proposals and who convicts them: whole aggregators and watchtowers on a real anvil with the real contracts."""

from __future__ import annotations

import errno
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from fedaggregator.daemon.actions import BuildCase, Challenge, Claim, ProposePage, Report, Wait
from fedaggregator.daemon.facts import Facts
from fedaggregator.daemon.run import Aggregator
from fedaggregator.disputes.leaf_case import StaleCase
from fedaggregator.rules import RULES
from fedprotocol.chain.read.events import scan
from fedprotocol.chain.read.snapshot import RoundState, Snapshot, take_snapshot
from fedprotocol.store.deadline import Deadline
from fedprotocol.types import Proposal
from support.aggregators import AggregatorSite, step_past_announcing, step_until
from support.evil_aggregator import WRONG_VALUE, EvilAggregator
from support.evm import Anvil
from support.live_federation import TOKEN, LiveFederation
from support.rules import PUBLIC
from support.synthetic import SyntheticClient, play_inputs

BOND = 50 * TOKEN
TOKENS = 10_000 * TOKEN  # of an operator, at the start


@pytest.fixture
def chain() -> Iterator[Anvil]:
    with Anvil() as anvil:
        yield anvil


class Round:
    """Round 1 of a federation with its inputs fixed, and operators who can read them."""

    def __init__(self, chain: Anvil, folder: Path, rule: str = "fedavg", clients: int = 3) -> None:
        self.federation = LiveFederation(chain, rule=rule)
        self.folder = folder
        self.clients = [SyntheticClient(self.federation, folder / f"client-{seed}", seed) for seed in range(clients)]
        for client in self.clients:
            client.join()
        self.clients[0].store.put(self.federation.genesis)
        play_inputs(self.clients, 1, self.federation.genesis.root)
        self.coordinator = self.federation.coordinator

    def operator(self, name: str, tokens: int = TOKENS) -> AggregatorSite:
        peers = [client.store_path for client in self.clients]
        return AggregatorSite(self.federation, self.folder / name, peers, tokens)

    def lie(self, name: str = "liar", value: int = WRONG_VALUE) -> AggregatorSite:
        """Somebody proposes a global with one wrong value, at this place in the vector of the global."""
        site = self.operator(name)
        with EvilAggregator.open(site.config(), site.account) as evil:
            evil.wrong_value = value
            step_until(evil, ProposePage)
        self.federation.pass_time(1)  # a proposal is looked at from the second after it on
        return site

    def proposers(self) -> list[str]:
        return [proposal.proposer for proposal in self.coordinator.proposals(1)]

    def tokens(self, site: AggregatorSite) -> int:
        return self.coordinator.token.balance_of(site.address)

    def close(self) -> None:
        for client in self.clients:
            client.close()


@pytest.fixture
def round_one(chain: Anvil, tmp_path: Path) -> Iterator[Round]:
    made = Round(chain, tmp_path)
    yield made
    made.close()


def test_an_aggregator_proposes_then_convicts_then_collects(round_one: Round, caplog: pytest.LogCaptureFixture) -> None:
    liar, site = round_one.lie(), round_one.operator("honest")
    with caplog.at_level(logging.INFO), Aggregator.open(site.config(), site.account) as honest:
        step_until(honest, ProposePage)
        assert round_one.proposers() == [liar.address, site.address]
        assert [type(honest.step()) for _ in range(2)] == [Report, BuildCase]
        assert len(round_one.proposers()) == 2
        assert isinstance(honest.step(), Challenge)
        assert round_one.proposers() == [site.address]
        assert honest.step() == Claim(frozenset())
        assert isinstance(step_past_announcing(honest), Wait)
    assert round_one.tokens(liar) == TOKENS - BOND
    assert round_one.tokens(site) == TOKENS - BOND + BOND // 2
    assert round_one.coordinator.balances().burned == BOND // 2
    assert "1 call, " in caplog.text and "CONVICTED" in caplog.text


@pytest.mark.parametrize("rule", PUBLIC)
def test_a_watchtower_with_a_key_and_a_store_and_not_one_token(chain: Anvil, tmp_path: Path, rule: str) -> None:
    """Under every rule, by the last value of all that the rule keeps; five updates, so that a trimmed mean trims."""
    with closing(Round(chain, tmp_path, rule, clients=5)) as made:
        value = RULES[rule].parts * made.federation.values - 1
        liar, tower = made.lie(value=value), made.operator("tower", tokens=0)
        with tower.running("watch"):
            deadline = time.monotonic() + 60
            while made.tokens(tower) == 0:
                assert time.monotonic() < deadline, tower.log.read_text()
                time.sleep(0.1)
        assert made.tokens(tower) == BOND // 2
        assert made.proposers() == []
        last = made.coordinator.web3.eth.block_number
        events = list(scan(made.coordinator, 0, last, ("Proposed", "Convicted")))
        assert [(event.name, event.args["proposer"]) for event in events] == [
            ("Proposed", liar.address),
            ("Convicted", liar.address),
        ]
        assert events[1].args["challenger"] == tower.address
        assert f"leaf {value // 32} should be" in tower.log.read_text()


def test_a_restart_between_report_and_challenge(round_one: Round) -> None:
    round_one.lie()
    site = round_one.operator("tower")
    with Aggregator.open(site.config(), site.account, proposes=False) as first:
        step_until(first, Report)
    with Aggregator.open(site.config(), site.account, proposes=False) as second:
        assert isinstance(second.step(), BuildCase)
    with Aggregator.open(site.config(), site.account, proposes=False) as third:
        assert [type(third.step()) for _ in range(3)] == [BuildCase, Challenge, Claim]
    assert round_one.proposers() == []


def test_the_slower_challenger_sends_nothing(round_one: Round, caplog: pytest.LogCaptureFixture) -> None:
    round_one.lie()
    fast, slow = round_one.operator("fast"), round_one.operator("slow")
    with (
        Aggregator.open(fast.config(), fast.account, proposes=False) as winner,
        Aggregator.open(slow.config(), slow.account, proposes=False) as loser,
        caplog.at_level(logging.INFO),
    ):
        step_until(winner, BuildCase)
        step_until(loser, BuildCase)
        before = take_snapshot(loser.coordinator, slow.address)  # what it knows when the other one is quicker
        assert isinstance(winner.step(), Challenge)
        loser.challenge(1, before.rounds[-1].proposals[0])
        assert "is not live any more" in caplog.text
        assert isinstance(step_past_announcing(loser), Wait)
    after = take_snapshot(round_one.coordinator, slow.address)
    assert (after.eth, after.tokens, after.my_owed) == (before.eth, TOKENS, 0)


def test_a_liar_cannot_make_a_case_against_the_right_proposal(round_one: Round) -> None:
    honest, liar = round_one.operator("honest"), round_one.operator("liar")
    with Aggregator.open(honest.config(), honest.account) as aggregator:
        step_until(aggregator, ProposePage)
    with EvilAggregator.open(liar.config(), liar.account) as evil:
        round_one.federation.pass_time(1)
        step_until(evil, ProposePage)
        with pytest.raises(StaleCase, match="does not follow from the accepted updates"):
            step_until(evil, Wait)
    assert round_one.proposers() == [honest.address, liar.address]


class Clumsy(Aggregator):
    """What is said for people always fails, and so does looking at the `spoilt` proposal, as hostile data makes it."""

    spoilt = b""

    def look(self, snapshot: Snapshot, facts: Facts) -> None:  # noqa: ARG002
        raise OSError(errno.ENOSPC, "No space left on device")

    def report(self, state: RoundState, proposal: Proposal, within: Deadline) -> None:
        if proposal.root == self.spoilt:
            raise MemoryError
        super().report(state, proposal, within)


def test_what_fails_in_whatever_way_hides_nothing_else(round_one: Round) -> None:
    first = round_one.lie()
    [spoilt] = round_one.coordinator.proposals(1)
    second = round_one.lie("another liar", WRONG_VALUE + 1)
    site = round_one.operator("honest")
    with Clumsy.open(site.config(), site.account) as honest:
        honest.spoilt = spoilt.root
        stop = threading.Event()
        daemon = threading.Thread(target=honest.run, args=(stop,))
        daemon.start()
        deadline = time.monotonic() + 60
        while round_one.proposers() != [first.address, site.address]:
            assert time.monotonic() < deadline and daemon.is_alive(), (round_one.proposers(), second.address)
            time.sleep(0.1)
        honest.spoilt = b""
        while round_one.proposers() != [site.address]:
            assert time.monotonic() < deadline and daemon.is_alive(), round_one.proposers()
            time.sleep(0.1)
        stop.set()
        daemon.join()

"""Masked rounds read by aggregators and watchtowers: the mean of what nobody published, lies about it, and garbage."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fedaggregator.compute.inputs import rule_of
from fedaggregator.compute.merge import Contribution
from fedaggregator.daemon.actions import Approve, BuildCase, Challenge, Impeach, Merge, ProposePage, Report, Wait
from fedaggregator.daemon.observe import GARBAGE, Observer
from fedaggregator.daemon.run import Aggregator
from fedaggregator.disputes.convict import Move, advance, advised, simulate
from fedaggregator.disputes.impeachment import Impeachment, impeach
from fedaggregator.disputes.leaf_case import StaleCase, is_last, plan, shares_of
from fedaggregator.disputes.price import Limits
from fedprotocol.chain.errors import ContractReverted
from fedprotocol.chain.read.disputes import Accusation, Disputes, calldata
from fedprotocol.chain.read.snapshot import RoundState, take_snapshot
from fedprotocol.leaves import MemoryLeaves
from fedprotocol.numbers import split_leaves
from fedprotocol.types import Phase, VoidReason
from support.aggregators import AggregatorSite, step_past_announcing, step_until
from support.evil_aggregator import WRONG_VALUE, EvilAggregator
from support.evm import Anvil
from support.live_federation import TOKEN
from support.masked_clients import MaskedFederation

BOND = 50 * TOKEN
TIGHT = Limits(calldata=1_200)  # one or two updates a call
K = 32


@pytest.fixture
def chain() -> Iterator[Anvil]:
    with Anvil() as anvil:
        yield anvil


@pytest.fixture
def made(chain: Anvil, tmp_path: Path) -> Iterator[MaskedFederation]:
    made = MaskedFederation(chain, tmp_path, clients=5)
    yield made
    made.close()


def operator(made: MaskedFederation, folder: Path, tokens: int = 10_000 * TOKEN) -> AggregatorSite:
    return AggregatorSite(made.federation, folder, made.stores, tokens)


def lie(made: MaskedFederation, folder: Path) -> AggregatorSite:
    site = operator(made, folder)
    with EvilAggregator.open(site.config(), site.account) as evil:
        step_until(evil, ProposePage)
    made.federation.pass_time(1)
    return site


def state_of(made: MaskedFederation) -> RoundState:
    state = take_snapshot(made.coordinator, made.clients[0].address).round(1)
    assert state
    return state


def contributions(state: RoundState, sent: list[MemoryLeaves]) -> list[Contribution]:
    return [Contribution(leaves, u.weight, u.shift) for leaves, u in zip(sent, state.updates, strict=True)]


def impeachment(made: MaskedFederation, sent: list[MemoryLeaves], leaf: int = 3) -> Impeachment:
    state = state_of(made)
    return impeach(rule_of(made.coordinator), made.coordinator.config(), state, contributions(state, sent), leaf)


def test_the_mean_of_what_nobody_published_is_proposed_and_a_lie_beside_it_convicted(
    made: MaskedFederation, tmp_path: Path
) -> None:
    played = made.play(1)
    lie(made, tmp_path / "liar")
    site = operator(made, tmp_path / "honest")
    right = MemoryLeaves(split_leaves(played.right(), K))
    with Aggregator.open(site.config(), site.account) as honest:
        assert [type(honest.step()) for _ in range(5)] == [Merge, Approve, ProposePage, Report, BuildCase]
        assert isinstance(honest.step(), Challenge)
    assert [p.root for p in made.coordinator.proposals(1)] == [right.root]
    assert made.coordinator.balances().burned == BOND // 2


def test_a_watchtower_without_a_token_convicts_a_lie(made: MaskedFederation, tmp_path: Path) -> None:
    made.play(1)
    lie(made, tmp_path / "liar")
    tower = operator(made, tmp_path / "tower", tokens=0)
    with tower.running("watch"):
        deadline = time.monotonic() + 60
        while made.coordinator.proposals(1):
            assert time.monotonic() < deadline, tower.log.read_text()
            time.sleep(0.1)
    assert f"leaf {WRONG_VALUE // K} should be" in tower.log.read_text()


@pytest.mark.parametrize("proposed", [False, True])
def test_a_watchtower_impeaches_garbage(made: MaskedFederation, tmp_path: Path, proposed: bool) -> None:
    """Before anything is proposed, and after somebody who does not look proposed what follows from garbage."""
    played = made.play(1, garbage_from=2)
    if proposed:
        made.clients[0].propose(1, played.right())
    tower = operator(made, tmp_path / "tower", tokens=0)
    with tower.running("watch"):
        deadline = time.monotonic() + 60
        while made.federation.phase(1) is not Phase.VOID:
            assert time.monotonic() < deadline, tower.log.read_text()
            time.sleep(0.1)
    assert made.coordinator.round_view(1).void_reason is VoidReason.GARBAGE
    assert made.coordinator.balances().bonds == (BOND if proposed else 0), "due to its proposer"
    text = tower.log.read_text()
    assert text.count("GARBAGE: the sum of all updates at leaf 0 is out of range") == 1
    assert "to make it void takes 1 call, " in text and "IMPEACHED" in text


def test_an_aggregator_proposes_nothing_that_follows_from_garbage(made: MaskedFederation, tmp_path: Path) -> None:
    made.play(1, garbage_from=0)
    site = operator(made, tmp_path / "honest")
    with Aggregator.open(site.config(), site.account) as honest:
        assert [type(honest.step()) for _ in range(2)] == [Merge, Impeach]
        assert isinstance(step_past_announcing(honest), Wait)
    assert not made.coordinator.proposals(1)
    assert made.coordinator.round_view(1).void_reason is VoidReason.GARBAGE
    assert made.coordinator.token.balance_of(site.address) == 10_000 * TOKEN, "nobody is paid and nobody pays"


def test_a_restart_between_the_merge_and_the_impeachment(made: MaskedFederation, tmp_path: Path) -> None:
    made.play(1, garbage_from=1)
    site = operator(made, tmp_path / "tower")
    with Aggregator.open(site.config(), site.account, proposes=False) as first:
        assert isinstance(first.step(), Merge)
    with Aggregator.open(site.config(), site.account, proposes=False) as second:
        assert [type(second.step()) for _ in range(2)] == [Merge, Impeach]
    assert made.federation.phase(1) is Phase.VOID


def test_an_observer_without_a_key_says_that_garbage_became_final(
    made: MaskedFederation, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    played = made.play(1, garbage_from=1)
    made.clients[0].propose(1, played.right())
    made.federation.pass_time(10_000)
    assert made.federation.phase(1) is Phase.FINAL
    site = operator(made, tmp_path / "observer")
    with caplog.at_level(logging.INFO), Observer.open(site.config(), 8) as watch:
        step_until(watch, Wait)  # type: ignore[arg-type]
        [finding] = watch.seen.values()
    assert not finding.right and GARBAGE in str(finding)


def test_an_impeachment_is_carried_where_a_call_is_too_small(made: MaskedFederation) -> None:
    played = made.play(1, garbage_from=4)
    case, disputes = impeachment(made, played.sent), Disputes(made.coordinator)
    for start in range(6):
        calls, reached = list(plan(case, start, TIGHT)), start
        for call in calls:
            size = case.size.call(reached, len(call.updates), is_last(call))
            assert len(calldata(disputes.call(call))) == size.calldata <= TIGHT.calldata
            reached += len(call.updates)
        assert reached == 5 and [isinstance(call, Accusation) for call in calls][-1]
    first, other = made.clients[0], made.clients[1]
    costs = simulate(made.coordinator, first.address, case, TIGHT)
    assert [cost.name for cost in costs] == ["carry"] * (len(costs) - 1) + ["impeach"] and len(costs) > 2
    assert advance(made.coordinator, first.sender, case, TIGHT)[0] is Move.CARRIED
    moves, bound = [], [cost.gas for cost in costs]
    while made.federation.phase(1) is not Phase.VOID:  # somebody else goes on from what is kept
        moves.append(advance(made.coordinator, other.sender, case, TIGHT))
    assert [move for move, _ in moves] == [Move.CARRIED] * (len(costs) - 2) + [Move.PROVED]
    assert all(gas <= max(bound) for _, gas in moves)
    assert advance(made.coordinator, first.sender, case, TIGHT) == (Move.GONE, 0)


def test_what_is_no_garbage_is_not_impeached(made: MaskedFederation) -> None:
    played = made.play(1)
    with pytest.raises(StaleCase, match="all sums at leaf 3 are within the range"):
        impeachment(made, played.sent)
    state = state_of(made)
    with pytest.raises(StaleCase, match="not the accepted updates"):
        impeachment(made, [*played.sent[1:], played.sent[0]])
    accused = Impeachment(
        round=1,
        inputs_hash=state.view.inputs_hash,
        accepted_mask=state.view.accepted_mask,
        leaf=3,
        shares=shares_of(state, contributions(state, played.sent), 3),
        rule=rule_of(made.coordinator),
        bits=32,
        values=K,
    )
    before = made.coordinator.web3.eth.get_balance(made.clients[0].address)
    with pytest.raises(ContractReverted, match="SumsAreInRange"):
        advance(made.coordinator, made.clients[0].sender, accused)
    assert made.coordinator.web3.eth.get_balance(made.clients[0].address) == before


def test_the_chain_refuses_a_false_impeachment_before_it_costs_anything(made: MaskedFederation) -> None:
    played = made.play(1, garbage_from=2)
    case = impeachment(made, played.sent)
    with pytest.raises(StaleCase, match="other inputs"):
        advised(made.coordinator, made.clients[0].address, replace(case, inputs_hash=bytes(32)))
    with pytest.raises(ContractReverted, match="WrongPath"):
        advised(made.coordinator, made.clients[0].address, replace(case, leaf=2))

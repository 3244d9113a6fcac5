"""A wrong proposal from the program's side, on a real anvil: the case, its calls, and what others do meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fedaggregator.disputes.case import Case
from fedaggregator.disputes.convict import Conviction, advised, convict, simulate
from fedaggregator.disputes.judge import DisputeError, WrongLeaf
from fedaggregator.disputes.leaf_case import StaleCase, furthest, next_call, plan
from fedaggregator.disputes.price import CallTooLarge, CaseSize, Limits
from fedprotocol import tree
from fedprotocol.chain.errors import ContractReverted
from fedprotocol.chain.read.disputes import Disputes, Proof, Step, Sums, calldata
from fedprotocol.chain.send.sender import Sender
from fedprotocol.leaves import MemoryLeaves
from fedprotocol.numbers import split_leaves
from support.deployed import Deployed, sender
from support.disputed import Recomputed
from support.evm import Anvil
from support.leaf_round import INT32, LeafRound

LEAVES, K, LEAF = 5, 64, 3
CLIENTS, REJECTED = 7, (2,)
ACCEPTED = CLIENTS - len(REJECTED)
TIGHT = Limits(calldata=1_900)  # two or three updates a call


def started(chain: Anvil, clients: int, leaves: int = LEAVES, k: int = K, bits: int = 16, **more: object) -> LeafRound:
    prior = np.random.default_rng(3).integers(*INT32, leaves * k, endpoint=True, dtype=np.int32)
    genesis = tree.root([tree.leaf_digest(leaf) for leaf in split_leaves(prior, k)])
    federation = Deployed.on(
        chain, genesisRoot=genesis, leafCount=leaves, leafValues=k, mantissaBits=bits, maxClients=clients
    )
    return LeafRound(federation, prior, clients, **more)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def chain() -> Iterator[Anvil]:
    with Anvil("--accounts", "20", "--gas-limit", "100000000", "--enable-tx-gas-limit") as anvil:
        yield anvil


@pytest.fixture(scope="module")
def played(chain: Anvil) -> Recomputed:
    return Recomputed(started(chain, CLIENTS, rejected=REJECTED))


@pytest.fixture
def mine(chain: Anvil, played: Recomputed) -> Iterator[Recomputed]:
    """A round with a right proposal and a younger wrong one."""
    snapshot = chain.rpc("evm_snapshot")
    game = played.game
    game.propose(game.tree_of(game.right_global()), game.accounts[1])
    wrong = game.right_global()
    for at in (LEAF * K + 5, 4 * K):
        wrong[at] ^= 1
    game.propose(game.tree_of(wrong), game.accounts[0])
    yield played
    chain.rpc("evm_revert", snapshot)


@pytest.fixture
def case(mine: Recomputed) -> Case:
    found = mine.case(mine.game.accounts[0])
    assert found
    return found


@pytest.fixture
def me(chain: Anvil, mine: Recomputed, tmp_path: Path) -> Sender:
    return sender(chain, mine.game.federation.account(), tmp_path / "me.db")


@pytest.fixture
def stranger(chain: Anvil, mine: Recomputed, tmp_path: Path) -> Sender:
    return sender(chain, mine.game.federation.account(), tmp_path / "stranger.db")


def live(mine: Recomputed) -> int:
    return len(mine.coordinator.proposals(1))


def test_the_first_wrong_leaf_is_found_and_a_right_proposal_gives_no_case(mine: Recomputed, case: Case) -> None:
    assert case.wrong.leaf == LEAF
    assert len(case.shares) == ACCEPTED
    assert case.size == CaseSize.at_leaf(mine.rule, ACCEPTED, K, 16, LEAVES, LEAF), "known before"
    assert mine.case(mine.game.accounts[1]) is None


@pytest.mark.parametrize("room", [1_900, 2_000, 2_500, 3_500, 6_000])
def test_every_plan_is_within_its_limits_and_complete(mine: Recomputed, case: Case, room: int) -> None:
    limits = Limits(calldata=room)
    disputes = Disputes(mine.coordinator)
    for start in range(ACCEPTED + 1):
        calls = list(plan(case, start, limits))
        reached = start
        for call in calls:
            is_final = isinstance(call, Proof)
            size = len(calldata(disputes.call(call)))
            assert size == case.size.call(reached, len(call.updates), is_final).calldata <= room
            assert call.start.count == reached
            reached += len(call.updates)
        assert reached == ACCEPTED
        assert [isinstance(call, Proof) for call in calls] == [False] * (len(calls) - 1) + [True]


def test_gas_bounds_a_call_too(case: Case) -> None:
    one = case.size.call(0, 1, False).gas
    assert isinstance(next_call(case, 0), Proof)
    steps = list(plan(case, 0, Limits(gas=max(one, case.size.call(ACCEPTED, 0, True).gas))))
    assert [len(step.updates) for step in steps[:2]] == [1, 1]
    with pytest.raises(CallTooLarge, match="neither the proof nor one more update"):
        next_call(case, 0, Limits(gas=one - 1))


def test_a_case_is_simulated_and_convicts(mine: Recomputed, case: Case, me: Sender) -> None:
    for limits in (Limits(), TIGHT):
        costs = simulate(mine.coordinator, me.address, case, limits)
        assert [c.name for c in costs] == ["carry"] * (len(costs) - 1) + ["challenge"]
        assert (costs[0].start, costs[-1].stop) == (0, ACCEPTED)
        assert [c.bound for c in costs] == [False] + [True] * (len(costs) - 1)
    verdict = convict(mine.coordinator, me, case, TIGHT)
    assert verdict.convicted
    assert verdict.calls == len(costs) > 2
    assert verdict.gas <= sum(c.gas for c in costs)
    assert live(mine) == 1
    assert mine.coordinator.owed(me.address) > 0
    assert not convict(mine.coordinator, me, case, TIGHT).convicted, "a second run has nothing to do"


def test_an_interrupted_case_is_taken_up_by_anybody(mine: Recomputed, case: Case, me: Sender, stranger: Sender) -> None:
    disputes = Disputes(mine.coordinator)
    first, second, *_ = plan(case, 0, TIGHT)
    assert isinstance(second, Step)
    me.send(disputes.call(first), "first")
    me.send(disputes.call(second), "second")
    whole = list(plan(case, 0, TIGHT))
    verdict = convict(mine.coordinator, stranger, case, TIGHT)
    assert (verdict.convicted, verdict.calls) == (True, len(whole) - 2)
    assert mine.coordinator.owed(stranger.address) > 0


def test_two_at_once_with_other_limits_end_in_one_conviction(
    mine: Recomputed, case: Case, me: Sender, stranger: Sender
) -> None:
    disputes = Disputes(mine.coordinator)
    first = next_call(case, 0, TIGHT)
    own = case.sums([len(first.updates)])[len(first.updates)]
    for updates in (first.updates, first.updates[:1]):
        step = Step(1, case.inputs_hash, LEAF, Sums(), updates)
        stranger.send(disputes.call(step), "from the beginning")
        assert furthest(case, disputes.carried(1, LEAF)) == own.count > 1
    further = replace(step, start=own, updates=(case.shares[own.count].opening,))
    stranger.send(disputes.call(further), "one more")
    assert furthest(case, disputes.carried(1, LEAF)) == own.count + 1
    assert convict(mine.coordinator, me, case, TIGHT).convicted
    assert convict(mine.coordinator, stranger, case, TIGHT) == Conviction(False, 0, 0)
    assert live(mine) == 1


def test_sums_of_one_case_serve_another_proposal(mine: Recomputed, case: Case, me: Sender) -> None:
    other = mine.game.right_global()
    other[LEAF * K] ^= 4
    mine.game.propose(mine.game.tree_of(other), mine.game.accounts[3])
    second = mine.case(mine.game.accounts[3])
    assert second
    first_calls = convict(mine.coordinator, me, case, TIGHT).calls
    assert first_calls > 1
    assert convict(mine.coordinator, me, second, TIGHT).calls == 1
    assert live(mine) == 1


def test_a_case_against_the_right_global_costs_nothing_and_harms_nobody(
    mine: Recomputed, case: Case, me: Sender
) -> None:
    right = mine.game.tree_of(mine.game.right_global())
    accused = replace(
        case,
        proposal_root=right.root,
        wrong=WrongLeaf(LEAF, bytes(32), right.digests[LEAF]),
        claimed_path=tuple(tree.path(right.digests, LEAF)),
    )
    before = mine.coordinator.web3.eth.get_balance(me.address)
    with pytest.raises(ContractReverted, match="LeafIsCorrect"):
        advised(mine.coordinator, me.address, accused)
    with pytest.raises(ContractReverted, match="LeafIsCorrect"):
        convict(mine.coordinator, me, accused)
    assert mine.coordinator.web3.eth.get_balance(me.address) == before
    assert live(mine) == 2


def test_too_late_is_said_without_a_transaction(chain: Anvil, mine: Recomputed, case: Case, me: Sender) -> None:
    chain.set_time(mine.coordinator.round_view(1).phase_end)
    assert convict(mine.coordinator, me, case) == Conviction(False, 0, 0)


def test_a_case_of_other_inputs_is_stale(mine: Recomputed, case: Case, me: Sender) -> None:
    with pytest.raises(StaleCase):
        convict(mine.coordinator, me, replace(case, inputs_hash=bytes(32)))
    with pytest.raises(StaleCase):
        convict(mine.coordinator, me, replace(case, accepted_mask=1))


def test_foreign_sums_are_not_built_on(case: Case) -> None:
    own = case.sums(range(ACCEPTED + 1))
    kept = [bytes(32), own[1].digest, own[2].digest, bytes(32), bytes([9]) * 32, bytes(32), bytes(32)]
    assert furthest(case, kept) == 2
    assert furthest(case, [bytes(32)] * 7) == 0
    assert own[0] == Sums()


def test_what_does_not_belong_together_makes_no_case(mine: Recomputed, case: Case) -> None:
    digests = mine.game.tree_of([0] * (LEAVES * K)).digests
    with pytest.raises(DisputeError, match="are not those of proposal"):
        mine.case_of(digests, case.proposal_root)
    root = tree.root(digests)
    honest = mine.contributions
    try:
        for wrong in (honest[:-1], [*honest[1:], honest[0]], [replace(honest[0], weight=1), *honest[1:]]):
            mine.contributions = wrong
            with pytest.raises(DisputeError, match="not the accepted updates"):
                mine.case_of(digests, root)
    finally:
        mine.contributions = honest
    prior, mine.prior = mine.prior, mine.own
    try:
        with pytest.raises(DisputeError, match="the prior of round 1"):
            mine.case_of(digests, root)
    finally:
        mine.prior = prior


def test_a_damaged_global_of_ones_own_accuses_nobody(mine: Recomputed) -> None:
    own = mine.own
    leaves = [own[i] for i in range(LEAVES)]
    leaves[1] = bytes(4 * K)
    mine.own = MemoryLeaves(leaves)
    try:
        with pytest.raises(DisputeError, match="damaged"):
            mine.case(mine.game.accounts[1])
    finally:
        mine.own = own

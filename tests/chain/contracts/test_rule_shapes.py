"""What another algorithm may need of a rule: state beside the weights, or all clients' values at once. Rules of both
shapes go through the unchanged coordinator, Disputes, merge and dispute programs on a real anvil."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from add_rule import Momentum
from eth_utils.crypto import keccak
from fedaggregator import rules
from fedaggregator.compute.merge import merge
from fedaggregator.disputes.case import Case
from fedaggregator.disputes.convict import convict, simulate
from fedaggregator.disputes.price import CallTooLarge, CaseSize, Limits
from fedprotocol import tree
from fedprotocol.leaves import MemoryLeaves
from fedprotocol.numbers import from_bytes, split_leaves
from support.deployed import Deployed, sender
from support.disputed import Recomputed
from support.evm import Anvil, compiled
from support.leaf_round import INT32, LeafRound, LeafTree
from support.plain_rules import GatherRule
from web3.exceptions import ContractCustomError

K, LEAVES, CLIENTS, REJECTED = 32, 5, 6, (1,)
SHAPES: dict[str, Any] = {"state": Momentum(), "gather": GatherRule()}
SPLIT = Limits(calldata=2_050)  # several calls a case


@pytest.fixture(scope="module")
def chain() -> Iterator[Anvil]:
    with Anvil("--accounts", "20", "--gas-limit", "1000000000", "--code-size-limit", "24576") as anvil:
        yield anvil


class Disputed(Recomputed):
    """A round under a rule, merged by the program that every node runs."""

    def __init__(self, game: LeafRound, folder: Path) -> None:
        super().__init__(game)
        self.merged = merge(
            self.rule, self.prior, self.contributions, self.config.mantissa_bits, self.config.server_lr, folder / "m", 2
        )
        self.own = MemoryLeaves([self.merged[i] for i in range(len(self.merged))])


@pytest.fixture(params=SHAPES)
def mine(
    request: pytest.FixtureRequest, chain: Anvil, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Disputed]:
    rule = SHAPES[request.param]
    monkeypatch.setitem(rules.RULES, rule.name, rule)
    rng = np.random.default_rng(3)
    weights = rng.integers(*INT32, LEAVES * K, endpoint=True, dtype=np.int32)
    state = rng.integers(-(2**20), 2**20, (rule.parts - 1) * LEAVES * K, dtype=np.int32)  # as of a later round
    prior = np.concatenate([weights, state])
    genesis = tree.root([tree.leaf_digest(leaf) for leaf in split_leaves(prior, K)])
    federation = Deployed.on(
        chain,
        rule=chain.deploy(rule.contract).address,
        genesisRoot=genesis,
        leafCount=LEAVES,
        leafValues=K,
        maxClients=CLIENTS,
    )
    yield Disputed(LeafRound(federation, prior, CLIENTS, rejected=REJECTED, parts=rule.parts), tmp_path)


def expected(mine: Disputed) -> list[int]:
    """The right global in Python's integers, one part after the other."""
    game = mine.game
    updates = [game.updates[i] for i in game.accepted]
    columns = list(zip(*([int(m) << u.shift for m in u.mantissas] for u in updates), strict=True))
    prior = [int(v) for v in game.prior]
    count = len(columns)
    if mine.rule.name == "test-gather":
        return [clamp(p + max(column)) for p, column in zip(prior, columns, strict=True)]
    total = sum(u.weight for u in updates)
    means = [int_div(sum(u.weight * v for u, v in zip(updates, column, strict=True)), total) for column in columns]
    state = [clamp(s + mean) for s, mean in zip(prior[count:], means, strict=True)]
    return [clamp(w + s) for w, s in zip(prior, state, strict=False)] + state


def clamp(value: int) -> int:
    return min(max(value, INT32[0]), INT32[1])


def int_div(a: int, b: int) -> int:
    return a // b if a >= 0 else -(-a // b)


def wrong(mine: Disputed, leaf: int) -> LeafTree:
    leaves = [mine.own[i] for i in range(len(mine.own))]
    leaves[leaf] = leaves[leaf][:-1] + bytes([leaves[leaf][-1] ^ 1])
    return LeafTree(leaves)


def case_of(mine: Disputed, proposed: LeafTree) -> Case:
    case = mine.case_of(proposed.digests, proposed.root)
    assert case
    return case


def test_the_merge_is_the_rule(mine: Disputed) -> None:
    merged = b"".join(mine.own[i] for i in range(len(mine.own)))
    assert len(mine.own) == LEAVES * mine.rule.parts
    assert from_bytes(merged, 32).tolist() == expected(mine)


@pytest.mark.parametrize("limits", [Limits(), SPLIT], ids=["one call", "carried"])
def test_a_wrong_leaf_of_any_part_is_convicted_and_a_right_one_never(
    chain: Anvil, mine: Disputed, tmp_path: Path, limits: Limits
) -> None:
    game = mine.game
    right = LeafTree([mine.own[i] for i in range(len(mine.own))])
    game.propose(right, game.accounts[-1])
    account = sender(chain, game.federation.account(), tmp_path / "journal.db")
    snapshot = chain.rpc("evm_snapshot")
    for leaf in range(len(right.leaves)):
        lie = wrong(mine, leaf)
        game.propose(lie, game.accounts[0])
        case = case_of(mine, lie)
        assert (case.leaf, case.part) == (leaf % LEAVES, leaf // LEAVES)
        costs = simulate(mine.coordinator, account.address, case, limits)
        assert (len(costs) > 1) is (limits is SPLIT)
        sizes = list(case.size.calls(0, limits))
        assert [cost.calldata for cost in costs] == [size.calldata for size in sizes]
        assert all(cost.gas <= size.gas for cost, size in zip(costs, sizes, strict=True))
        if leaf in (0, len(right.leaves) - 1):
            assert convict(mine.coordinator, account, case, limits).convicted
            assert [p.root for p in mine.coordinator.proposals(1)] == [right.root]
        chain.rpc("evm_revert", snapshot)
        snapshot = chain.rpc("evm_snapshot")
        refused(game, game.proof(right, leaf % LEAVES) | parts(mine, right, leaf), "LeafIsCorrect()")


def parts(mine: Disputed, proposed: LeafTree, leaf: int) -> dict[str, Any]:
    """The fields of a proof that a rule's parts change."""
    index = leaf % LEAVES
    return {
        "part": leaf // LEAVES,
        "prior": [mine.game.prior_tree.opening(i) for i in range(index, len(mine.prior), LEAVES)],
        "claimedDigest": proposed.digests[leaf],
        "claimedPath": tree.path(proposed.digests, leaf),
    }


def refused(game: LeafRound, proof: dict[str, Any], *errors: str) -> None:
    contract = game.chain.web3.eth.contract(address=game.config.disputes, abi=compiled("Disputes")["abi"])
    with pytest.raises(ContractCustomError) as caught:
        contract.functions.challenge(game.contract.address, proof).call()
    assert str(caught.value.data)[:10] in {"0x" + keccak(text=error)[:4].hex() for error in errors}


@pytest.mark.parametrize("mine", ["state"], indirect=True)
def test_the_parts_of_a_leaf_cannot_stand_in_for_each_other(mine: Disputed) -> None:
    game = mine.game
    right = LeafTree([mine.own[i] for i in range(len(mine.own))])
    game.propose(right, game.accounts[0])
    proof = game.proof(right, 2) | parts(mine, right, 2)
    other = LEAVES + 2
    for forged in (
        proof | {"prior": proof["prior"][::-1]},
        proof | {"part": 1},
        proof | {"claimedDigest": right.digests[other], "claimedPath": tree.path(right.digests, other)},
    ):
        refused(game, forged, "WrongPath(bytes32,bytes32)", "WrongPathLength(uint256,uint256)")


def test_a_rule_bounds_the_federation_by_what_it_can_prove(chain: Anvil) -> None:
    rule = chain.deploy("GatherRule").address
    most = GatherRule().max_clients(8192, 8)
    assert most == 3
    Deployed.on(chain, rule=rule, leafValues=8192, maxClients=most, minClients=1)
    with pytest.raises(ContractCustomError):
        Deployed.on(chain, rule=rule, leafValues=8192, maxClients=most + 1, minClients=1)


def test_what_cannot_be_carried_is_said() -> None:
    size = CaseSize.largest(GatherRule(), 200, 1024, 8, 512)
    with pytest.raises(CallTooLarge):
        list(size.calls())

"""Every rule through the same coordinator, Disputes, merge and dispute programs, none of which knows it, on a real
anvil: a wrong leaf of any part is convicted, in one call or in several, and a right one never is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from eth_utils.crypto import keccak
from fedaggregator.compute.merge import merge
from fedaggregator.disputes.case import Case
from fedaggregator.disputes.convict import convict, simulate
from fedaggregator.disputes.price import CallTooLarge, CaseSize, Limits
from fedaggregator.rules import RULES
from fedprotocol import tree
from fedprotocol.leaves import MemoryLeaves
from fedprotocol.numbers import from_bytes, split_leaves
from support.deployed import Deployed, sender
from support.disputed import Recomputed
from support.evm import Anvil, compiled
from support.leaf_round import INT32, LeafRound, LeafTree
from support.rule_formulas import Update
from support.rule_formulas import leaf as leaf_by
from support.rules import TESTED, terms
from web3.exceptions import ContractCustomError

K, LEAVES, CLIENTS, REJECTED = 32, 5, 6, (1,)
GATHERING = ("trimmed-mean", "median", "norm-bounded")  # need all values at once
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


@pytest.fixture(scope="module", params=RULES)
def played(request: pytest.FixtureRequest, chain: Anvil, tmp_path_factory: pytest.TempPathFactory) -> Disputed:
    rule = TESTED[request.param]
    rng = np.random.default_rng(3)
    weights = rng.integers(*INT32, LEAVES * K, endpoint=True, dtype=np.int32)
    state = rng.integers(-(2**20), 2**20, (rule.parts - 1) * LEAVES * K, dtype=np.int32)  # as of a later round
    prior = np.concatenate([weights, state])
    genesis = tree.root([tree.leaf_digest(leaf) for leaf in split_leaves(prior, K)])
    federation = Deployed.on(
        chain,
        **{**terms(chain, rule, rule.bits[0]), "minClients": 3},
        genesisRoot=genesis,
        leafCount=LEAVES,
        leafValues=K,
        maxClients=CLIENTS,
    )
    rejected = () if federation.coordinator().config().is_masked else REJECTED  # else the round is void
    game = LeafRound(federation, prior, CLIENTS, rejected=rejected, parts=rule.parts)
    return Disputed(game, tmp_path_factory.mktemp("merged"))


@pytest.fixture
def mine(chain: Anvil, played: Disputed) -> Iterator[Disputed]:
    snapshot = chain.rpc("evm_snapshot")
    yield played
    chain.rpc("evm_revert", snapshot)


def expected(mine: Disputed) -> list[int]:
    """The right global by the formula in Python's integers, one part after the other."""
    game, leaves = mine.game, []
    updates = [game.updates[i] for i in game.accepted]
    prior = game.prior.reshape(mine.rule.parts, LEAVES, K).tolist()
    for i in range(LEAVES):
        own = [Update(u.mantissas[i * K : (i + 1) * K].tolist(), u.weight, u.shift) for u in updates]
        leaves.append(leaf_by(mine.rule.name, own, [part[i] for part in prior], game.config.server_lr))
    return [value for part in range(mine.rule.parts) for leaf in leaves for value in leaf[part]]


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


@pytest.mark.parametrize("played", [name for name in RULES if RULES[name].parts > 1], indirect=True)
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


@pytest.mark.parametrize("name", RULES)
def test_a_rule_bounds_the_federation_by_what_it_can_prove(chain: Anvil, name: str) -> None:
    rule = TESTED[name]
    bits = rule.bits[-1]
    most = rule.max_clients(8192, bits)
    assert (most < 256) is (name != "fedavg")
    settings = {**terms(chain, rule, bits), "leafValues": 8192, "minClients": 3}
    Deployed.on(chain, **settings, maxClients=most)
    with pytest.raises(ContractCustomError):
        Deployed.on(chain, **settings, maxClients=most + 1)


@pytest.mark.parametrize("name", GATHERING)
def test_what_cannot_be_carried_is_said(name: str) -> None:
    with pytest.raises(CallTooLarge):
        list(CaseSize.largest(RULES[name], 200, 1024, 8, 512).calls())

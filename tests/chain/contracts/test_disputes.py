"""Disputes against the real coordinator on a real anvil: a wrong leaf is convicted, a right one never."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from eth_utils.crypto import keccak
from fedprotocol import tree
from fedprotocol.numbers import split_leaves
from support.deployed import Deployed
from support.evm import Anvil, compiled
from support.leaf_round import INT32, LeafRound, LeafTree, Update
from web3.contract import Contract
from web3.exceptions import ContractCustomError

LEAF_VALUES = 32
VALUES = 7 * LEAF_VALUES - 5  # seven leaves: every case of promotion; the last one padded


def started(
    chain: Anvil,
    clients: int,
    values: int = VALUES,
    leaf_values: int = LEAF_VALUES,
    bits: int = 8,
    kind: type[LeafRound] = LeafRound,
    **more: Any,
) -> LeafRound:
    rng = np.random.default_rng(5)
    prior = rng.integers(*INT32, values, endpoint=True, dtype=np.int32)
    prior[::7], prior[1::7] = INT32[0], INT32[1]  # so that the clamp is met
    genesis = tree.root([tree.leaf_digest(leaf) for leaf in split_leaves(prior, leaf_values)])
    federation = Deployed.on(
        chain,
        genesisRoot=genesis,
        leafCount=-(-values // leaf_values),
        leafValues=leaf_values,
        mantissaBits=bits,
        maxClients=clients,
        serverLr=70_000,
    )
    return kind(federation, prior, clients, **more)


@pytest.fixture(scope="module")
def chain() -> Iterator[Anvil]:
    with Anvil("--accounts", "20", "--gas-limit", "1000000000", "--code-size-limit", "24576") as anvil:
        yield anvil


@pytest.fixture(scope="module")
def game_module(chain: Anvil) -> LeafRound:
    return started(chain, clients=5, rejected=[3])


@pytest.fixture
def game(chain: Anvil, game_module: LeafRound) -> Iterator[LeafRound]:
    """A round with inputs fixed, four of five updates accepted; every test gets it as it was."""
    snapshot = chain.rpc("evm_snapshot")
    yield game_module
    chain.rpc("evm_revert", snapshot)


def disputes(game: LeafRound) -> Contract:
    return game.chain.web3.eth.contract(address=game.config.disputes, abi=compiled("Disputes")["abi"])


def challenge(game: LeafRound, proof: dict[str, Any], contract: Contract | None = None) -> Any:
    """The challenge by an account that is nobody in the federation."""
    call = (contract or disputes(game)).functions.challenge(game.contract.address, proof)
    return game.send(call, game.chain.accounts[0])


def refused(game: LeafRound, proof: dict[str, Any], error: str, contract: Contract | None = None) -> None:
    with pytest.raises(ContractCustomError) as caught:
        challenge(game, proof, contract)
    assert caught.value.data[:10] == "0x" + keccak(text=error)[:4].hex(), caught.value


def test_no_leaf_of_the_right_global_can_be_convicted(game: LeafRound) -> None:
    right = game.tree_of(game.right_global())
    game.propose(right, game.accounts[0])
    for index in range(len(right.leaves)):
        refused(game, game.proof(right, index), "LeafIsCorrect()")
    assert [p.root for p in game.federation.coordinator().proposals(1)] == [right.root]


@pytest.mark.parametrize("index", range(7))
def test_one_unit_in_one_value_is_convicted_by_its_leaf_and_no_other(game: LeafRound, index: int) -> None:
    values = game.right_global()
    at = min(index * LEAF_VALUES + 11, len(values) - 1)
    values[at] += 1 if values[at] < INT32[1] else -1
    wrong = game.tree_of(values)
    game.propose(wrong, game.accounts[0])
    for other in range(7):
        if other != index:
            refused(game, game.proof(wrong, other), "LeafIsCorrect()")
    challenge(game, game.proof(wrong, index))
    assert game.federation.coordinator().proposals(1) == ()


def test_a_conviction_pays_half_the_bond_and_leaves_the_right_proposal(game: LeafRound) -> None:
    coordinator = game.federation.coordinator()
    wrong = game.tree_of([v // 2 for v in game.right_global()])
    right = game.tree_of(game.right_global())
    game.propose(wrong, game.accounts[0])
    game.propose(right, game.accounts[1])
    bond, burned = coordinator.proposals(1)[0].bond, coordinator.balances().burned
    challenger = game.chain.accounts[0]
    challenge(game, game.proof(wrong, 0))
    assert coordinator.owed(challenger) == bond // 2
    assert coordinator.balances().burned - burned == bond - bond // 2
    assert [p.root for p in coordinator.proposals(1)] == [right.root]
    assert coordinator.round_view(1).convicted == 1
    refused(game, game.proof(wrong, 1), "NoSuchProposal(uint256,bytes32)")
    refused(game, game.proof(right, 1), "LeafIsCorrect()")


def test_wrong_padding_is_convicted(game: LeafRound) -> None:
    leaves = game.tree_of(game.right_global()).leaves
    wrong = LeafTree([*leaves[:-1], leaves[-1][:-1] + b"\1"])
    game.propose(wrong, game.accounts[0])
    challenge(game, game.proof(wrong, 6))


def test_a_claim_without_known_preimage_is_convicted(game: LeafRound) -> None:
    digests = game.tree_of(game.right_global()).digests
    digests[2] = bytes(32)
    game.propose_digests(digests, game.accounts[0])
    proof = game.proof(game.tree_of(game.right_global()), 2)
    proof |= {"proposalRoot": tree.root(digests), "claimedDigest": digests[2]}
    challenge(game, proof)


def test_a_global_that_counts_a_rejected_update_is_convicted(game: LeafRound) -> None:
    accepted, game.accepted = game.accepted, [0, 1, 2, 3, 4]
    wrong = game.tree_of(game.right_global())
    with_all = game.proof(wrong, 4)
    game.accepted = accepted
    game.propose(wrong, game.accounts[0])
    refused(game, with_all, "WrongCount(uint256,uint256)")
    challenge(game, game.proof(wrong, 4))


def changed(key: str, change: Callable[[Any], Any]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda proof: proof | {key: change(proof[key])}


def flipped(data: bytes) -> bytes:
    return bytes([data[0] ^ 1]) + data[1:]


WRONG_PATH, WRONG_COUNT = "WrongPath(bytes32,bytes32)", "WrongCount(uint256,uint256)"
WRONG_PARTS = "WrongParts(uint256,uint256,uint256)"
FORGERIES = {
    "another leaf of an update": (
        changed("updates", lambda u: [(flipped(u[0][0]), u[0][1]), *u[1:]]),
        WRONG_PATH,
    ),
    "a longer leaf": (changed("updates", lambda u: [(u[0][0] + b"\0", u[0][1]), *u[1:]]), WRONG_PATH),
    "an empty leaf": (changed("updates", lambda u: [(b"", u[0][1]), *u[1:]]), WRONG_PATH),
    "updates in another order": (changed("updates", lambda u: [u[1], u[0], *u[2:]]), WRONG_PATH),
    "an update twice": (changed("updates", lambda u: [u[0], u[0], *u[2:]]), WRONG_PATH),
    "an update left out": (changed("updates", lambda u: u[1:]), WRONG_COUNT),
    "an update too many": (changed("updates", lambda u: [*u, u[0]]), WRONG_COUNT),
    "no updates": (changed("updates", lambda _: []), WRONG_COUNT),
    "another prior leaf": (changed("prior", lambda p: [(flipped(p[0][0]), p[0][1])]), WRONG_PATH),
    "a longer prior leaf": (changed("prior", lambda p: [(p[0][0] + b"\0", p[0][1])]), WRONG_PATH),
    "no prior leaf": (changed("prior", lambda _: []), WRONG_PARTS),
    "a prior leaf twice": (changed("prior", lambda p: [*p, *p]), WRONG_PARTS),
    "a part that FedAvg has not": (changed("part", lambda _: 1), WRONG_PARTS),
    "another claimed digest": (changed("claimedDigest", flipped), WRONG_PATH),
    "another leaf's place": (changed("leafIndex", lambda i: i + 1), WRONG_PATH),
    "no such leaf": (changed("leafIndex", lambda _: 7), "LeafOutOfRange(uint256,uint256)"),
    "a place beyond all": (changed("leafIndex", lambda _: 2**256 - 1), "LeafOutOfRange(uint256,uint256)"),
    "a surplus sibling": (changed("claimedPath", lambda p: [*p, p[0]]), "WrongPathLength(uint256,uint256)"),
    "a missing sibling": (changed("claimedPath", lambda p: p[1:]), "WrongPathLength(uint256,uint256)"),
    "other inputs": (changed("inputsHash", flipped), "WrongInputs(bytes32,bytes32)"),
    "another root": (changed("proposalRoot", flipped), WRONG_PATH),
    "a round that never was": (changed("round", lambda _: 2), "WrongInputs(bytes32,bytes32)"),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_proof_convicts_nobody(game: LeafRound, forgery: str) -> None:
    forge, error = FORGERIES[forgery]
    right = game.tree_of(game.right_global())
    game.propose(right, game.accounts[0])
    refused(game, forge(game.proof(right, 2)), error)


class Garbled(LeafRound):
    """The first client's tree has a leaf that is a byte short; all vouch for it."""

    def _random_update(self, rng: np.random.Generator, only: int | None) -> Update:
        update = super()._random_update(rng, only)
        if not hasattr(self, "garbled"):
            self.garbled = LeafTree([update.tree.leaves[0][:-1], *update.tree.leaves[1:]])
            update.tree = self.garbled
        return update


def test_a_vouched_leaf_of_another_length_proves_nothing_and_hides_no_other(chain: Anvil) -> None:
    game = started(chain, clients=2, kind=Garbled)
    wrong = game.tree_of([0] * VALUES)
    game.propose(wrong, game.accounts[0])
    refused(game, game.proof(wrong, 0), "LengthMismatch(uint256,uint256)")
    challenge(game, game.proof(wrong, 1))


def test_a_root_that_nobody_proposed_cannot_be_convicted(game: LeafRound) -> None:
    game.propose(game.tree_of(game.right_global()), game.accounts[0])
    elsewhere = game.tree_of([0] * VALUES)
    refused(game, game.proof(elsewhere, 0), "NoSuchProposal(uint256,bytes32)")


def test_only_the_disputes_that_the_coordinator_names_may_convict(chain: Anvil, game: LeafRound) -> None:
    wrong = game.tree_of([0] * VALUES)
    game.propose(wrong, game.accounts[0])
    refused(game, game.proof(wrong, 0), "NotDisputes(address)", contract=chain.deploy("Disputes"))


def test_too_late_once_the_round_is_final(chain: Anvil, game: LeafRound) -> None:
    wrong = game.tree_of([0] * VALUES)
    game.propose(wrong, game.accounts[0])
    end = game.federation.coordinator().round_view(1).phase_end
    chain.set_time(end)
    refused(game, game.proof(wrong, 0), "WrongPhase(uint256,uint8,uint8)")


def test_until_the_last_second_of_the_window(chain: Anvil, game: LeafRound) -> None:
    wrong = game.tree_of([0] * VALUES)
    game.propose(wrong, game.accounts[0])
    end = game.federation.coordinator().round_view(1).phase_end
    chain.rpc("evm_setNextBlockTimestamp", end - 1)
    call = disputes(game).functions.challenge(game.contract.address, game.proof(wrong, 0))
    chain.do(call, gas=10_000_000)


def test_before_the_inputs_are_fixed_nothing_can_be_challenged(chain: Anvil) -> None:
    game = started(chain, clients=2)
    proof = game.proof(game.tree_of(game.right_global()), 0)
    early = Deployed.on(chain, genesisRoot=game.config.genesis_root, leafCount=7, disputes=game.config.disputes)
    assert early.coordinator().last_opened() == 0
    game.contract = early.contract
    refused(game, proof | {"inputsHash": bytes(32)}, WRONG_PATH)


@pytest.mark.parametrize(("clients", "bits"), [(4, 8), (4, 16), (16, 8), (16, 16)])
def test_gas(chain: Anvil, clients: int, bits: int, record_property: pytest.RecordProperty) -> None:
    game = started(chain, clients=clients, values=225 * 1024, leaf_values=1024, bits=bits)
    wrong = game.tree_of([0] * (225 * 1024))
    game.propose(wrong, game.accounts[0])
    receipt = challenge(game, game.proof(wrong, 100))
    gas = receipt["gasUsed"]
    record_property(f"gas: challenge, {clients} clients, 1,024 values of {bits} bits, 225 leaves", gas)
    size = len(chain.web3.eth.get_transaction(receipt["transactionHash"])["input"])
    assert size <= 128 * 1024 - 1024, "must fit a node's pool"
    assert gas < 2**24

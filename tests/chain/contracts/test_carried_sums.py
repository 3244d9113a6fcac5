"""Partial sums carried from call to call: anybody's, from anywhere, in nobody's way; on a real anvil."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from eth_utils.crypto import keccak
from fedprotocol import tree
from fedprotocol.numbers import split_leaves
from support.deployed import Deployed
from support.evm import Anvil, compiled
from support.leaf_round import INT32, NO_SUMS, LeafRound
from web3.contract import Contract
from web3.exceptions import ContractCustomError

LEAF, LEAVES, K = 2, 5, 32
CLIENTS, REJECTED = 7, (0, 4)  # the first accepted update has index 1, and there is a gap between two others


@pytest.fixture(scope="module")
def chain() -> Iterator[Anvil]:
    with Anvil("--accounts", "20", "--gas-limit", "1000000000", "--code-size-limit", "24576") as anvil:
        yield anvil


@pytest.fixture(scope="module")
def played(chain: Anvil) -> LeafRound:
    prior = np.random.default_rng(1).integers(*INT32, LEAVES * K, endpoint=True, dtype=np.int32)
    genesis = tree.root([tree.leaf_digest(leaf) for leaf in split_leaves(prior, K)])
    federation = Deployed.on(chain, genesisRoot=genesis, leafCount=LEAVES, leafValues=K, maxClients=CLIENTS)
    return LeafRound(federation, prior, CLIENTS, rejected=REJECTED)


@pytest.fixture
def game(chain: Anvil, played: LeafRound) -> Iterator[LeafRound]:
    snapshot = chain.rpc("evm_snapshot")
    yield played
    chain.rpc("evm_revert", snapshot)


def disputes(game: LeafRound) -> Contract:
    return game.chain.web3.eth.contract(address=game.config.disputes, abi=compiled("Disputes")["abi"])


def sums(game: LeafRound, count: int, leaf: int = LEAF) -> tuple[int, int, bytes]:
    """`IDisputes.Sums` after `count` accepted updates, in Python's integers."""
    if count == 0:
        return NO_SUMS
    summed = [game.updates[i] for i in game.accepted[:count]]
    values = [sum(u.weight * 2**u.shift * int(u.mantissas[leaf * K + j]) for u in summed) for j in range(K)]
    return count, sum(u.weight for u in summed), b"".join(v.to_bytes(8, "big", signed=True) for v in values)


def digest(partial: tuple[int, int, bytes]) -> bytes:
    return keccak(partial[1].to_bytes(8, "big") + partial[2])


def step(game: LeafRound, start: int, stop: int, leaf: int = LEAF) -> dict[str, Any]:
    return {
        "round": 1,
        "inputsHash": game.inputs_hash,
        "leafIndex": leaf,
        "start": sums(game, start, leaf),
        "updates": [game.updates[i].tree.opening(leaf) for i in game.accepted[start:stop]],
    }


def proof(game: LeafRound, proposed: Any, start: int, leaf: int = LEAF) -> dict[str, Any]:
    whole = game.proof(proposed, leaf)
    return whole | {"start": sums(game, start, leaf), "updates": whole["updates"][start:]}


def carry(game: LeafRound, what: dict[str, Any], account: int = 0) -> Any:
    return game.send(disputes(game).functions.carry(game.contract.address, what), game.chain.accounts[account])


def challenge(game: LeafRound, what: dict[str, Any], account: int = 0) -> Any:
    return game.send(disputes(game).functions.challenge(game.contract.address, what), game.chain.accounts[account])


def reached(game: LeafRound, leaf: int = LEAF) -> list[bytes]:
    return list(disputes(game).functions.carried(game.contract.address, 1, leaf).call())


def refused(error: str, send: Any, *args: Any) -> None:
    with pytest.raises(ContractCustomError) as caught:
        send(*args)
    assert caught.value.data[:10] == "0x" + keccak(text=error)[:4].hex(), caught.value


def wrong_tree(game: LeafRound) -> Any:
    values = game.right_global()
    values[LEAF * K + 3] ^= 1
    return game.tree_of(values)


@pytest.mark.parametrize("cuts", [(1,), (4,), (5,), (1, 2, 3, 4, 5), (2, 4)])
def test_a_case_in_several_calls_convicts_and_one_against_the_right_global_does_not(
    game: LeafRound, cuts: Sequence[int]
) -> None:
    wrong, right = wrong_tree(game), game.tree_of(game.right_global())
    game.propose(wrong, game.accounts[0])
    game.propose(right, game.accounts[1])
    for start, stop in zip((0, *cuts), cuts, strict=False):
        receipt = carry(game, step(game, start, stop))
        [event] = disputes(game).events.Carried().process_receipt(receipt)
        assert event["args"] == {
            "coordinator": game.contract.address, "round": 1, "leafIndex": LEAF, "count": stop,
        }  # fmt: skip
    expected = [digest(sums(game, n)) if n in cuts else bytes(32) for n in range(6)]
    assert reached(game) == expected
    for start in (0, *cuts):
        refused("LeafIsCorrect()", challenge, game, proof(game, right, start))
    challenge(game, proof(game, wrong, cuts[-1]))
    assert [p.root for p in game.federation.coordinator().proposals(1)] == [right.root]


def test_calls_of_several_people_interleave_and_serve_every_proposal(game: LeafRound) -> None:
    wrong, other = wrong_tree(game), game.tree_of([0] * (LEAVES * K))
    game.propose(wrong, game.accounts[0])
    game.propose(other, game.accounts[1])
    carry(game, step(game, 0, 2), account=11)
    carry(game, step(game, 0, 3), account=12)  # passes the first one's
    carry(game, step(game, 2, 3), account=11)  # reaches what is there already: nothing breaks
    carry(game, step(game, 0, 1), account=13)  # from the beginning again, behind everybody
    carry(game, step(game, 3, 4), account=13)  # on from a stranger's
    assert reached(game) == [bytes(32), *(digest(sums(game, n)) for n in (1, 2, 3, 4)), bytes(32)]
    challenge(game, proof(game, wrong, 4), account=12)
    challenge(game, proof(game, other, 2), account=11)
    assert game.federation.coordinator().proposals(1) == ()


def test_leaves_do_not_share_sums(game: LeafRound) -> None:
    carry(game, step(game, 0, 3))
    assert reached(game, LEAF + 1) == [bytes(32)] * 6
    refused("UnknownSums(uint256)", carry, game, step(game, 3, 4, LEAF + 1))
    refused("UnknownSums(uint256)", carry, game, step(game, 3, 4) | {"leafIndex": LEAF + 1})


def forged(game: LeafRound) -> dict[str, tuple[dict[str, Any], str]]:
    good = step(game, 3, 4)
    count, weight, values = good["start"]
    unknown, path = "UnknownSums(uint256)", "WrongPath(bytes32,bytes32)"
    many = "TooManyUpdates(uint256,uint256)"
    every = [u.tree.opening(LEAF) for u in game.updates]
    return {
        "other values": (good | {"start": (count, weight, values[:-1] + bytes([values[-1] ^ 1]))}, unknown),
        "another weight": (good | {"start": (count, weight + 1, values)}, unknown),
        "weight in the values": (good | {"start": (count, weight >> 8, bytes([weight & 255]) + values)}, unknown),
        "fewer values": (good | {"start": (count, weight, values[:-8])}, unknown),
        "another count": (good | {"start": (2, weight, values)}, unknown),
        "a count beyond all": (good | {"start": (2**256 - 1, weight, values)}, unknown),
        "a beginning with values": (step(game, 0, 1) | {"start": (0, 0, bytes(8 * K))}, unknown),
        "a beginning with weight": (step(game, 0, 1) | {"start": (0, 5, b"")}, unknown),
        "the update after the next": (good | {"updates": step(game, 4, 5)["updates"]}, path),
        "the update before": (good | {"updates": step(game, 2, 3)["updates"]}, path),
        "a rejected update": (good | {"updates": [every[4]]}, path),
        "nothing": (good | {"updates": []}, "NothingToAdd()"),
        "too many": (good | {"updates": every[:3]}, many),
        "all of them, once too often": (step(game, 0, 5) | {"updates": [*step(game, 0, 5)["updates"], every[4]]}, many),
        "other inputs": (good | {"inputsHash": bytes(32)}, "WrongInputs(bytes32,bytes32)"),
        "no such leaf": (step(game, 0, 1) | {"leafIndex": LEAVES}, "LeafOutOfRange(uint256,uint256)"),
    }  # fmt: skip


FORGERIES = (
    "other values", "another weight", "weight in the values", "fewer values", "another count",
    "a count beyond all", "a beginning with values", "a beginning with weight", "the update after the next",
    "the update before", "a rejected update", "nothing", "too many", "all of them, once too often", "other inputs",
    "no such leaf",
)  # fmt: skip


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_step_is_refused(game: LeafRound, name: str) -> None:
    carry(game, step(game, 0, 3))
    before = reached(game)
    assert set(forged(game)) == set(FORGERIES)
    what, error = forged(game)[name]
    refused(error, carry, game, what)
    assert reached(game) == before


def test_a_proof_must_end_with_the_last_update(game: LeafRound) -> None:
    wrong = wrong_tree(game)
    game.propose(wrong, game.accounts[0])
    carry(game, step(game, 0, 3))
    short = proof(game, wrong, 3)
    refused("WrongCount(uint256,uint256)", challenge, game, short | {"updates": short["updates"][:-1]})
    refused("WrongCount(uint256,uint256)", challenge, game, short | {"updates": []})
    refused("WrongCount(uint256,uint256)", challenge, game, proof(game, wrong, 0) | {"start": sums(game, 3)})
    refused("UnknownSums(uint256)", challenge, game, proof(game, wrong, 4))
    challenge(game, short)


def test_nothing_is_summed_before_the_inputs_are_fixed(chain: Anvil, played: LeafRound) -> None:
    federation = Deployed.on(chain, disputes=played.config.disputes, leafCount=LEAVES, leafValues=K)
    call = disputes(played).functions.carry(federation.contract.address, step(played, 0, 1) | {"inputsHash": bytes(32)})
    refused("TooManyUpdates(uint256,uint256)", played.send, call, chain.accounts[0])


def test_after_a_reorg_sums_belong_to_the_new_inputs_only(chain: Anvil) -> None:
    """The same round played twice from one block: what was kept for other inputs is not there."""
    prior = np.zeros(LEAVES * K, np.int32)
    genesis = tree.root([tree.leaf_digest(leaf) for leaf in split_leaves(prior, K)])
    federation = Deployed.on(chain, genesisRoot=genesis, leafCount=LEAVES, leafValues=K)
    snapshot = chain.rpc("evm_snapshot")
    first = LeafRound(federation, prior, 3, seed=1)
    carry(first, step(first, 0, 2))
    assert reached(first)[2] == digest(sums(first, 2))
    chain.rpc("evm_revert", snapshot)
    second = LeafRound(federation, prior, 3, seed=2)
    assert reached(second) == [bytes(32)] * 4
    refused("WrongInputs(bytes32,bytes32)", carry, second, step(first, 2, 3))
    refused("UnknownSums(uint256)", carry, second, step(second, 2, 3) | {"start": sums(first, 2)})
    carry(second, step(second, 0, 2))
    carry(second, step(second, 2, 3))

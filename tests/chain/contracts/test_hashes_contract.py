"""Commitments and the running hash over a round's inputs: what the contract computes, against `fedprotocol.hashes`."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from fedprotocol.hashes import commit_hash, inputs_genesis, inputs_step
from support.evm import Anvil
from support.federation import CONFIG, Call, Deployed, Done, Refused

CLIENTS, OPENINGS = 256, 500
MAX_WEIGHT = 2**20 - 1


@dataclass(frozen=True)
class Opening:
    root: bytes
    shift: int
    examples: int
    salt: bytes


@pytest.fixture(scope="module")
def chain() -> Iterator[Anvil]:
    """Of another id than the rest of the tests."""
    options = ("--order", "fifo", "--base-fee", "0", "--gas-price", "0", "--gas-limit", "600000000")
    with Anvil(*options, "--chain-id", "4242424242", "--accounts", str(CLIENTS + 1)) as chain:
        yield chain


def each(d: Deployed, calls: list[Call]) -> list[Done]:
    """All in as many blocks as it takes; every one must succeed."""
    done: list[Done] = []
    for start in range(0, len(calls), 32):
        for outcome in d.block(calls[start : start + 32], d.now() + 1):
            assert isinstance(outcome, Done), outcome
            done.append(outcome)
    return done


def digest(rng: random.Random) -> bytes:
    return rng.choice([rng.randbytes(32), rng.randbytes(32), bytes(31) + b"\1", b"\xff" * 32])


def test_hashes_agree(chain: Anvil, record_property: pytest.RecordProperty) -> None:
    """An opening that was not committed to is refused with the hash that the contract made of it; the reveals of 256
    clients, of any weight, lead from hash to hash."""
    config = replace(CONFIG, max_clients=CLIENTS, min_clients=CLIENTS, train_length=3_000, reveal_length=30_000)
    d, rng = Deployed(chain, config), random.Random(6)
    sponsor, *clients = d.accounts
    stakes = {c: rng.choice([400, 401, rng.randint(400, 2_100_000), 3_000_000]) for c in clients}
    openings = {
        c: Opening(digest(rng), rng.randint(0, 23), rng.choice([1, 2**32 - 1, rng.randint(1, 2**21)]), digest(rng))
        for c in clients
    }
    prior = config.genesis_root
    each(d, [Call(sponsor, "fund", (config.round_reward,)), *(Call(c, "join", (stakes[c],)) for c in clients)])
    hashes = {c: hash_of(d, c, o) for c, o in openings.items()}
    each(d, [Call(c, "commit", (1, prior, hashes[c])) for c in clients])

    for _ in range(OPENINGS):
        client = rng.choice(clients)
        shift = rng.choice([0, 23, 255, rng.randrange(256)])
        examples = rng.choice([0, 1, 2**32 - 1, rng.randrange(2**32)])
        other = Opening(rng.choice([digest(rng), bytes(32)]), shift, examples, digest(rng))
        assert refusal(d, client, other) == Refused("CommitMismatch", (hash_of(d, client, other), hashes[client]))

    expected = inputs_genesis(d.chain_id, d.address, 1, prior)
    for index, done in enumerate(each(d, [Call(c, "reveal", arguments(openings[c])) for c in clients])):
        client, opening = clients[index], openings[clients[index]]
        weight = min(opening.examples, stakes[client] // config.stake_per_example, MAX_WEIGHT)
        expected = inputs_step(expected, index, client, opening.root, opening.shift, weight)
        [event] = done.events
        assert (event.args["weight"], event.args["inputs_hash"]) == (weight, expected)
    assert d.view("round_view", 1).inputs_hash == expected
    record_property("values compared: commitments", OPENINGS + CLIENTS)
    record_property("values compared: inputs hashes", CLIENTS + 1)


def hash_of(d: Deployed, client: str, o: Opening) -> bytes:
    return commit_hash(d.chain_id, d.address, 1, client, d.config.genesis_root, o.root, o.shift, o.examples, o.salt)


def arguments(o: Opening) -> tuple[int, bytes, int, int, bytes, int, int]:
    return 1, o.root, o.shift, o.examples, o.salt, 0, 0


def refusal(d: Deployed, client: str, opening: Opening) -> Refused:
    """What a call of `reveal` is refused with; it is not sent."""
    call = {"from": client, "to": d.address, "data": "0x" + d.abi.encode("reveal", arguments(opening)).hex()}
    answer = d.chain.web3.provider.make_request("eth_call", [call, "latest"])  # type: ignore[arg-type]
    return d.abi.error(bytes.fromhex(answer["error"]["data"][2:]))

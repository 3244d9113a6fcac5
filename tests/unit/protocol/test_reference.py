"""The model by itself: what it promises beyond being the contract's twin (tests/contracts/test_coordinator_*)."""

from __future__ import annotations

import copy

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak
from fedprotocol.errors import FedError
from fedprotocol.hashes import commit_hash, inputs_genesis
from fedprotocol.reference import Federation, errors
from fedprotocol.types import Phase
from support.federation import CONFIG

ADDRESS = "0x" + "a" * 40
CLIENTS = ["0x" + d * 40 for d in "bcd"]
GENESIS = CONFIG.genesis_root


@pytest.fixture
def federation() -> Federation:
    f = Federation(CONFIG, chain_id=31337, address=ADDRESS, now=1_000)
    for account in CLIENTS:
        f.wallets[account] = 10_000
    f.fund(CLIENTS[0], 3 * CONFIG.round_reward)
    return f


def test_a_refused_call_changes_nothing(federation: Federation) -> None:
    for c in CLIENTS:
        federation.join(c, 400)
    federation.commit(CLIENTS[0], 1, GENESIS, b"\1" * 32)
    federation.now += 1_000  # round 1 is void by the clock, and unsettled
    before = copy.deepcopy(vars(federation))
    with pytest.raises(errors.WrongPhase):
        federation.commit(CLIENTS[1], 1, GENESIS, b"\1" * 32)
    assert vars(federation) == before
    assert federation.round_view(1).phase == Phase.VOID


def test_every_error_says_what_it_is_about() -> None:
    kinds = [k for k in vars(errors).values() if isinstance(k, type) and issubclass(k, errors.RoundError)]
    assert len(kinds) > 40
    for kind in kinds:
        error = kind(*["first", "second", "third"])
        assert isinstance(error, FedError)
        assert kind.__name__ in str(error) or kind is errors.RoundError
        assert "{" not in str(error)


def test_errors_show_digests_as_hex(federation: Federation) -> None:
    federation.join(CLIENTS[0], 400)
    federation.join(CLIENTS[1], 400)
    with pytest.raises(errors.WrongPrior, match="0x0101") as refused:
        federation.commit(CLIENTS[0], 1, b"\1" * 32, b"\1" * 32)
    assert refused.value.arguments == (b"\1" * 32, GENESIS)


def test_an_error_of_our_own_making_changes_nothing_either(federation: Federation) -> None:
    before = copy.deepcopy(vars(federation))
    with pytest.raises(TypeError):
        federation.join(CLIENTS[0], "400")  # type: ignore[arg-type]
    assert vars(federation) == before


def test_the_commitment_binds_everything() -> None:
    """Against the words of docs/protocol.md, encoded by hand; no field can be exchanged unnoticed."""
    word = lambda v: v.to_bytes(32, "big")  # noqa: E731
    args = (31337, ADDRESS, 1, CLIENTS[0], b"\1" * 32, b"\2" * 32, 12, 100, b"\3" * 32)
    by_hand = b"".join(
        [
            word(31337),
            word(int(ADDRESS, 16)),
            word(1),
            word(int(CLIENTS[0], 16)),
            b"\1" * 32,
            b"\2" * 32,
            word(12),
            word(100),
            b"\3" * 32,
        ]
    )
    assert commit_hash(*args) == keccak(by_hand)
    others = (1, CLIENTS[1], 2, CLIENTS[2], b"\4" * 32, b"\4" * 32, 13, 101, b"\4" * 32)
    changed = {commit_hash(*args[:i], other, *args[i + 1 :]) for i, other in enumerate(others)}  # type: ignore[arg-type]
    assert len(changed | {commit_hash(*args)}) == len(args) + 1


def test_the_inputs_hash_starts_from_chain_coordinator_round_and_prior() -> None:
    prior = b"\5" * 32
    by_hand = keccak(encode(["uint256", "address", "uint256", "bytes32"], [1, ADDRESS, 7, prior]))
    assert inputs_genesis(1, ADDRESS, 7, prior) == by_hand


def test_the_gate_is_a_function(federation: Federation) -> None:
    gated = Federation(CONFIG, chain_id=1, address=ADDRESS, now=1, allowed=lambda a: a == CLIENTS[0])
    gated.wallets.update(dict.fromkeys(CLIENTS, 1000))
    gated.join(CLIENTS[0], 400)
    with pytest.raises(errors.NotAllowed):
        gated.join(CLIENTS[1], 400)
    assert federation.allowed is None


def test_a_simulation_of_many_rounds_conserves_every_token() -> None:
    """Ten rounds of 20 clients, none of whom is on a chain."""
    config = CONFIG.__class__(**{**vars(CONFIG), "max_clients": 20, "total_rounds": 10})
    f = Federation(config, chain_id=1, address=ADDRESS, now=1)
    clients = [f"0x{i:040x}" for i in range(1, 21)]
    for c in clients:
        f.wallets[c] = 100_000
        f.join(c, 400 + 7 * int(c, 16))
    f.fund(clients[0], 10 * config.round_reward)
    supply = sum(f.wallets.values())
    salt = bytes(32)
    for n in range(1, 11):
        prior = f.latest_final()[1]
        roots = {c: keccak(text=f"{c}{n}") for c in clients}
        for c in clients:
            f.commit(c, n, prior, commit_hash(1, ADDRESS, n, c, prior, roots[c], 3, 50, salt))
        for c in clients:
            f.reveal(c, n, roots[c], 3, 50, salt)
        for c in clients:
            f.attest(c, n, f.round_view(n).inputs_hash, 2**20 - 1)
        view = f.round_view(n)
        f.propose(clients[n], n, view.inputs_hash, view.accepted_mask, 0, [keccak(text=f"{n}{i}") for i in range(2)])
        f.now += config.challenge_length
        assert f.final_count() == n
    for c in clients:
        f.claim(c)
        f.exit(c)
        f.withdraw(c)
    assert sum(f.wallets.values()) == supply
    assert f.balances().total == f.wallets[ADDRESS] == f.balances().pool

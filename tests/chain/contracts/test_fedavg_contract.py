"""FedAvg.sol on a real EVM against plain Python integers, its NumPy twin and the loop it packs."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np
import pytest
from eth_utils.crypto import keccak
from fedaggregator.rules.fedavg import FedAvg
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from support.evm import Anvil
from web3.contract import Contract
from web3.exceptions import ContractCustomError

CODE = {8: "b", 16: "h", 32: "i", 64: "q"}
MAX_WEIGHT = 2**20 - 1
INT32 = (-(2**31), 2**31 - 1)


@pytest.fixture(scope="module")
def chain() -> Iterator[Anvil]:
    with Anvil("--gas-limit", "1000000000") as anvil:
        yield anvil


@pytest.fixture(scope="module")
def rule(chain: Anvil) -> Contract:
    return chain.deploy("FedAvg")


@pytest.fixture(scope="module")
def reference(chain: Anvil) -> Contract:
    return chain.deploy("FedAvgReference")


def pack(values: list[int], bits: int) -> bytes:
    return struct.pack(f">{len(values)}{CODE[bits]}", *values)


def unpack(data: bytes, bits: int) -> list[int]:
    return list(struct.unpack(f">{len(data) * 8 // bits}{CODE[bits]}", data))


def rounded(a: int, b: int) -> int:
    """a / b to the nearest integer, halves away from zero."""
    quotient, remainder = divmod(abs(a), b)
    quotient += 2 * remainder >= b
    return -quotient if a < 0 else quotient


def expected_sums(updates: list[tuple[list[int], int, int]], count: int) -> list[int]:
    return [sum(w * 2**shift * m[j] for m, w, shift in updates) for j in range(count)]


def expected_global(
    updates: list[tuple[list[int], int, int]], prior: list[int], server_lr: int
) -> tuple[list[int], list[int]]:
    """Sums and new global from (mantissas, weight, shift), by the formula in docs/protocol.md."""
    total = sum(weight for _, weight, _ in updates)
    sums = expected_sums(updates, len(prior))
    steps = [rounded(rounded(s, total) * server_lr, 2**16) for s in sums]
    return sums, [min(max(g + step, INT32[0]), INT32[1]) for g, step in zip(prior, steps, strict=True)]


def on_chain(
    rule: Contract, bits: int, updates: list[tuple[list[int], int, int]], prior: list[int], server_lr: int
) -> tuple[list[int], list[int]]:
    sums = bytes(8 * len(prior))
    for mantissas, weight, shift in updates:
        sums = rule.functions.accumulate(sums, pack(mantissas, bits), bits, weight, shift).call()
    total = sum(weight for _, weight, _ in updates)
    return unpack(sums, 64), unpack(rule.functions.finish(sums, pack(prior, 32), total, server_lr).call(), 32)


def in_numpy(
    bits: int, updates: list[tuple[list[int], int, int]], prior: list[int], server_lr: int
) -> tuple[list[int], list[int]]:
    twin, sums = FedAvg(), np.zeros((1, len(prior)), np.int64)
    for mantissas, weight, shift in updates:
        twin.accumulate(sums, np.array([mantissas], f"int{bits}"), weight, shift)
    total = sum(weight for _, weight, _ in updates)
    return sums[0].tolist(), twin.finish(sums, np.array([[prior]], np.int32), total, server_lr).ravel().tolist()


@st.composite
def rounds(draw: st.DrawFn) -> tuple[int, list[tuple[list[int], int, int]], list[int], int]:
    bits = draw(st.sampled_from([8, 16]))
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    count = draw(st.sampled_from([32, 64, 96]))
    mantissa = st.one_of(st.sampled_from([low, high, 0, -1, 1]), st.integers(low, high))
    weight = st.one_of(st.sampled_from([1, MAX_WEIGHT]), st.integers(1, MAX_WEIGHT))
    update = st.tuples(st.lists(mantissa, min_size=count, max_size=count), weight, st.integers(0, 31 - bits))
    prior = st.one_of(st.sampled_from([*INT32, 0, -1]), st.integers(*INT32))
    server_lr = st.one_of(st.sampled_from([1, 2**16, 2**17]), st.integers(1, 2**17))
    return (
        bits,
        draw(st.lists(update, min_size=1, max_size=5)),
        draw(st.lists(prior, min_size=count, max_size=count)),
        draw(server_lr),
    )


@settings(max_examples=30, deadline=None)
@given(case=rounds())
def test_contract_numpy_and_integers_agree(
    rule: Contract, reference: Contract, case: tuple[int, list[tuple[list[int], int, int]], list[int], int]
) -> None:
    bits, updates, prior, server_lr = case
    expected = expected_global(updates, prior, server_lr)
    assert on_chain(rule, bits, updates, prior, server_lr) == expected
    assert on_chain(reference, bits, updates, prior, server_lr) == expected
    assert in_numpy(bits, updates, prior, server_lr) == expected


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("weight", [1, MAX_WEIGHT])
@pytest.mark.parametrize("clients", [1, 256])
@pytest.mark.parametrize("pattern", ["limits", "lowest", "highest", "zero"])
def test_extremes(rule: Contract, reference: Contract, bits: int, weight: int, clients: int, pattern: str) -> None:
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    mantissas = {"limits": [low, high], "lowest": [low] * 2, "highest": [high] * 2, "zero": [0, 0]}[pattern] * 16
    prior = [*INT32, 0, -1] * 8
    updates = [(mantissas, weight, 31 - bits)] * clients
    expected = expected_global(updates, prior, 2**17)
    # The last one of them, on the sums of those before it: all in turn are `test_256_clients_who_all_differ`.
    before = expected_sums(updates[:-1], len(prior))
    if weight == MAX_WEIGHT and clients == 256 and pattern != "zero":
        assert 2**57 < max(map(abs, expected[0])) < 2**59
    for contract in (rule, reference):
        sums = contract.functions.accumulate(pack(before, 64), pack(mantissas, bits), bits, weight, 31 - bits).call()
        result = contract.functions.finish(sums, pack(prior, 32), clients * weight, 2**17).call()
        assert (unpack(sums, 64), unpack(result, 32)) == expected
    assert in_numpy(bits, updates, prior, 2**17) == expected


@pytest.mark.parametrize("bits", [8, 16])
def test_256_clients_who_all_differ(rule: Contract, reference: Contract, bits: int) -> None:
    """Neighbours in a word of opposite signs and any size: a borrow between lanes would show."""
    rng = np.random.default_rng(bits)
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    mixes = np.where(rng.random((256, 64)) < 0.5, rng.choice([low, high, 0, -1], (256, 64)), 0)
    mixes += np.where(mixes == 0, rng.integers(low, high, (256, 64), endpoint=True), 0)
    weights = np.where(rng.random(256) < 0.3, MAX_WEIGHT, rng.integers(1, 2**20, 256)).tolist()
    updates = [(m.tolist(), w, int(rng.integers(0, 32 - bits))) for m, w in zip(mixes, weights, strict=True)]
    prior = rng.integers(*INT32, 64).tolist()
    expected = expected_global(updates, prior, 60_000)
    for contract in (rule, reference):
        assert on_chain(contract, bits, updates, prior, 60_000) == expected
    assert in_numpy(bits, updates, prior, 60_000) == expected


KINDS = ("any", "any", "any", "any", "limits", "lowest", "highest", "zero")
K, CASES, EVERY = 8192, 72, 16


def drawn(rng: np.random.Generator, kind: str, limit: tuple[int, int]) -> NDArray[np.int64]:
    """K integers within `limit`, both ends included."""
    if kind == "any":
        extremes = rng.choice([*limit, 0, -1, 1], K).clip(*limit)
        return np.where(rng.random(K) < 0.3, extremes, rng.integers(*limit, K, endpoint=True))
    patterns = {"limits": limit, "lowest": limit[:1], "highest": limit[1:], "zero": (0,)}
    return np.resize(np.array(patterns[kind], np.int64), K)


def test_a_million_values_agree(rule: Contract, reference: Contract, record_property: pytest.RecordProperty) -> None:
    """Whole leaves of 8,192 values: Solidity against NumPy, and a part of them against Python's integers. One client,
    or the last of up to 256; weights of 1 and 2^20 - 1 half of the time."""
    rng, twin, compared, by_formula = np.random.default_rng(4), FedAvg(), 0, 0
    for case in range(CASES):
        bits = 8 if case % 2 == 0 else 16
        mantissa = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
        kind = KINDS[case // 2 % len(KINDS)]
        weight = int(rng.choice([1, MAX_WEIGHT, *rng.integers(1, 2**20, 2)]))
        others = 0 if case % 3 == 0 else int(rng.choice([1, 255 * MAX_WEIGHT, rng.integers(1, 255 * MAX_WEIGHT)]))
        shift = int(rng.choice([0, 31 - bits, *rng.integers(0, 32 - bits, 2)]))
        sums, leaf = drawn(rng, kind, (-others * 2**30, others * 2**30)), drawn(rng, kind, mantissa)
        prior, server_lr = (
            drawn(rng, KINDS[case % 7], INT32),
            int(rng.choice([1, 2**16, 2**17, rng.integers(1, 2**17)])),
        )

        begin = (sums.astype(">i8").tobytes(), leaf.astype(f">i{bits // 8}").tobytes(), bits, weight, shift)
        summed = rule.functions.accumulate(*begin).call()
        end = (summed, prior.astype(">i4").tobytes(), weight + others, server_lr)
        result = rule.functions.finish(*end).call()
        if case % 4 == 0:
            assert summed == reference.functions.accumulate(*begin).call()
            assert result == reference.functions.finish(*end).call()

        before = sums.copy()
        twin.accumulate(sums[np.newaxis], leaf[np.newaxis].astype(f"int{bits}"), weight, shift)
        assert summed == sums.astype(">i8").tobytes(), (case, kind, weight, others, shift)
        leaf_before = prior[np.newaxis, np.newaxis].astype(np.int32)
        new = twin.finish(sums[np.newaxis], leaf_before, weight + others, server_lr).ravel()
        assert result == new.astype(">i4").tobytes(), (case, kind, weight, others, shift, server_lr)
        compared += sums.size + new.size

        for j in range(case % EVERY, K, EVERY):
            total = int(before[j]) + weight * 2**shift * int(leaf[j])
            step = rounded(rounded(total, weight + others) * server_lr, 2**16)
            assert total == int(sums[j])
            assert int(new[j]) == min(max(int(prior[j]) + step, INT32[0]), INT32[1])
            by_formula += 2
    record_property("values compared: FedAvg, Solidity and NumPy", compared)
    record_property("values compared: FedAvg, these and Python's integers", by_formula)
    assert compared >= 1_000_000


def test_halves_go_away_from_zero(rule: Contract) -> None:
    sums = [-5, -3, -1, 1, 3, 5]  # of weight 2: means -2.5, -1.5, -0.5, ...
    result = rule.functions.finish(pack(sums, 64), pack([0] * 6, 32), 2, 2**16).call()
    assert unpack(result, 32) == [-3, -2, -1, 1, 2, 3]


def test_a_whole_leaf_of_real_size(rule: Contract) -> None:
    rng = np.random.default_rng(7)
    for bits in (8, 16):
        low, high = -(2 ** (bits - 1)), 2 ** (bits - 1)
        updates = [(rng.integers(low, high, 1024).tolist(), int(rng.integers(1, 2**20)), 5) for _ in range(3)]
        prior = rng.integers(*INT32, 1024).tolist()
        expected = expected_global(updates, prior, 60_000)
        assert on_chain(rule, bits, updates, prior, 60_000) == expected


def test_sums_are_continued_from_anywhere(rule: Contract) -> None:
    sums = [2**62, -(2**62), 0, -1] * 8
    result = rule.functions.accumulate(pack(sums, 64), pack([-128, 127, 1, -1] * 8, 8), 8, MAX_WEIGHT, 23).call()
    factor = MAX_WEIGHT << 23
    assert unpack(result, 64) == [2**62 - 128 * factor, -(2**62) + 127 * factor, factor, -1 - factor] * 8


@pytest.mark.parametrize(
    ("call", "args", "error"),
    [
        ("accumulate", (bytes(8), bytes(32), 8, 1, 0), "LengthMismatch(uint256,uint256)"),
        ("accumulate", (bytes(264), bytes(32), 8, 1, 0), "LengthMismatch(uint256,uint256)"),
        ("accumulate", (bytes(255), bytes(32), 8, 1, 0), "LengthMismatch(uint256,uint256)"),
        ("accumulate", (bytes(256), bytes(32), 16, 1, 0), "LengthMismatch(uint256,uint256)"),
        ("accumulate", (bytes(128), bytes(33), 16, 1, 0), "LengthMismatch(uint256,uint256)"),
        ("accumulate", (bytes(8), bytes(1), 8, 1, 0), "LengthMismatch(uint256,uint256)"),
        ("accumulate", (bytes(248), bytes(31), 8, 1, 0), "LengthMismatch(uint256,uint256)"),
        ("accumulate", (bytes(8), bytes(4), 32, 1, 0), "BadBits(uint8)"),
        ("accumulate", (bytes(8), bytes(1), 0, 1, 0), "BadBits(uint8)"),
        ("accumulate", (bytes(8), bytes(1), 8, 2**20, 0), "WeightTooLarge(uint32)"),
        ("accumulate", (bytes(8), bytes(1), 8, 1, 24), "ShiftTooLarge(uint8)"),
        ("accumulate", (bytes(8), bytes(2), 16, 1, 16), "ShiftTooLarge(uint8)"),
        ("accumulate", (bytes(8), bytes(2), 16, 1, 255), "ShiftTooLarge(uint8)"),
        ("finish", (bytes(8), bytes(8), 1, 1), "LengthMismatch(uint256,uint256)"),
        ("finish", (bytes(8), bytes(3), 1, 1), "LengthMismatch(uint256,uint256)"),
        ("finish", (bytes(8), bytes(4), 0, 1), "BadTotalWeight(uint256)"),
        ("finish", (bytes(8), bytes(4), 2**64, 1), "BadTotalWeight(uint256)"),
    ],
)
def test_what_is_out_of_range_reverts(rule: Contract, call: str, args: tuple[object, ...], error: str) -> None:
    with pytest.raises(ContractCustomError) as caught:
        rule.functions[call](*args).call()
    assert caught.value.data[:10] == "0x" + keccak(text=error)[:4].hex()


@pytest.mark.parametrize("bits", [8, 16])
def test_gas(rule: Contract, bits: int, record_property: pytest.RecordProperty) -> None:
    leaf = np.random.default_rng(3).bytes(1024 * bits // 8)
    sums = rule.functions.accumulate(bytes(8192), leaf, bits, 1000, 5).call()
    record_property(
        f"gas: FedAvg.accumulate, 1,024 values of {bits} bits, with calldata",
        rule.functions.accumulate(sums, leaf, bits, 1000, 5).estimate_gas(),
    )
    if bits == 8:
        record_property(
            "gas: FedAvg.finish, 1,024 values, with calldata",
            rule.functions.finish(sums, bytes(4096), 1000, 2**16).estimate_gas(),
        )

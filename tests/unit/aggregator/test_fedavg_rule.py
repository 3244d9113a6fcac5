"""The NumPy FedAvg against the formula of docs/protocol.md in Python's own integers."""

from __future__ import annotations

import numpy as np
import pytest
from fedaggregator.rules import RuleError, rule_named
from fedaggregator.rules.fedavg import FedAvg
from hypothesis import given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.usefixtures("loops")

RULE = FedAvg()


def reference(prior: int, terms: list[tuple[int, int, int]], server_lr: int) -> int:
    """One value by the book; `terms` are (mantissa, weight, shift)."""

    def divide_round(a: int, b: int) -> int:
        return (1 if a >= 0 else -1) * ((2 * abs(a) + b) // (2 * b))

    total = sum((weight << shift) * mantissa for mantissa, weight, shift in terms)
    mean = divide_round(total, sum(weight for _, weight, _ in terms))
    value = prior + divide_round(mean * server_lr, 2**16)
    return max(-(2**31), min(2**31 - 1, value))


def run(prior: list[int], updates: list[tuple[list[int], int, int]], bits: int, server_lr: int) -> list[int]:
    sums = np.zeros((1, len(prior)), dtype=np.int64)
    for mantissas, weight, shift in updates:
        RULE.accumulate(sums, np.array([mantissas], dtype=f"i{bits // 8}"), weight, shift)
    total = sum(weight for _, weight, _ in updates)
    return list(RULE.finish(sums, np.array([[prior]], dtype=np.int32), total, server_lr)[0, 0])


def extreme_or_any(low: int, high: int) -> st.SearchStrategy[int]:
    return st.one_of(st.sampled_from([low, low + 1, (low + high) // 2, high - 1, high]), st.integers(low, high))


@st.composite
def rounds(draw: st.DrawFn) -> tuple[list[int], list[tuple[list[int], int, int]], int, int]:
    bits = draw(st.sampled_from([8, 16]))
    length = draw(st.integers(1, 6))
    mantissa = extreme_or_any(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    prior = draw(st.lists(extreme_or_any(-(2**31), 2**31 - 1), min_size=length, max_size=length))
    update = st.tuples(
        st.lists(mantissa, min_size=length, max_size=length),
        extreme_or_any(1, 2**20 - 1),
        extreme_or_any(0, 31 - bits),
    )
    return prior, draw(st.lists(update, min_size=1, max_size=9)), bits, draw(extreme_or_any(1, 2**17))


@settings(max_examples=400, deadline=None)
@given(rounds())
def test_equals_the_formula(case: tuple[list[int], list[tuple[list[int], int, int]], int, int]) -> None:
    prior, updates, bits, server_lr = case
    expected = [
        reference(g, [(mantissas[j], weight, shift) for mantissas, weight, shift in updates], server_lr)
        for j, g in enumerate(prior)
    ]
    assert run(prior, updates, bits, server_lr) == expected


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("sign", [-1, 1])
def test_all_limits_at_once_stay_in_int64(bits: int, sign: int) -> None:
    mantissa = -(2 ** (bits - 1)) if sign < 0 else 2 ** (bits - 1) - 1
    update = (mantissa, 2**20 - 1, 31 - bits)
    sums = np.zeros((1, 1), dtype=np.int64)
    for _ in range(256):
        RULE.accumulate(sums, np.array([[mantissa]], dtype=f"i{bits // 8}"), *update[1:])
    exact = 256 * ((2**20 - 1) << (31 - bits)) * mantissa
    assert int(sums[0, 0]) == exact and abs(exact) < 2**59
    for prior in (-(2**31), 0, 2**31 - 1):
        for server_lr in (1, 2**16, 2**17):
            got = RULE.finish(sums, np.array([[[prior]]], dtype=np.int32), 256 * (2**20 - 1), server_lr)
            assert int(got[0, 0, 0]) == reference(prior, [update] * 256, server_lr)


def test_halves_go_away_from_zero() -> None:
    assert run([0, 0], [([1, -1], 1, 0), ([0, 0], 1, 0)], 8, 2**16) == [1, -1]
    assert run([0, 0], [([1, -1], 1, 0), ([0, 0], 2, 0)], 8, 2**16) == [0, 0]


def test_the_order_of_clients_does_not_matter() -> None:
    rng = np.random.default_rng(0)
    updates = [
        (list(rng.integers(-128, 128, 50)), int(rng.integers(1, 2**20)), int(rng.integers(0, 24))) for _ in range(20)
    ]
    prior = list(rng.integers(-(2**31), 2**31, 50))
    first = run(prior, updates, 8, 2**16)
    for _ in range(5):
        rng.shuffle(updates)
        assert run(prior, updates, 8, 2**16) == first


@pytest.mark.parametrize(
    ("mantissas", "sums", "weight", "shift"),
    [
        (np.zeros((1, 4), np.int8), np.zeros((8, 4), np.int64), 1, 0),  # would broadcast
        (np.zeros((1, 1), np.int8), np.zeros((1, 4), np.int64), 1, 0),
        (np.zeros(4, np.int8), np.zeros(4, np.int64), 1, 0),  # the leaves are not told apart
        (np.zeros((1, 4), np.int32), np.zeros((1, 4), np.int64), 1, 0),
        (np.zeros((1, 4), np.uint8), np.zeros((1, 4), np.int64), 1, 0),
        (np.zeros((1, 4), np.float32), np.zeros((1, 4), np.int64), 1, 0),
        (np.zeros((1, 4), np.int8), np.zeros((1, 4), np.int32), 1, 0),
        (np.zeros((1, 4), np.int8), np.zeros((1, 4), np.int64), -1, 0),
        (np.zeros((1, 4), np.int8), np.zeros((1, 4), np.int64), 2**20, 0),
        (np.zeros((1, 4), np.int8), np.zeros((1, 4), np.int64), 1, 24),
        (np.zeros((1, 4), np.int16), np.zeros((1, 4), np.int64), 1, 16),
        (np.zeros((1, 4), np.int8), np.zeros((1, 4), np.int64), 1, -1),
    ],
)
def test_accumulate_refuses(mantissas: np.ndarray, sums: np.ndarray, weight: int, shift: int) -> None:
    before = sums.copy()
    with pytest.raises(RuleError):
        RULE.accumulate(sums, mantissas, weight, shift)
    assert (sums == before).all()


@pytest.mark.parametrize(
    ("sums", "prior", "total", "server_lr"),
    [
        (np.zeros((1, 4), np.int64), np.zeros((1, 1, 4), np.int32), 0, 2**16),
        (np.zeros((1, 4), np.int64), np.zeros((1, 1, 4), np.int32), 1, 0),
        (np.zeros((1, 4), np.int64), np.zeros((1, 1, 4), np.int32), 1, 2**17 + 1),
        (np.zeros((1, 4), np.int64), np.zeros((1, 1, 1), np.int32), 1, 2**16),
        (np.zeros((1, 4), np.int64), np.zeros((1, 1, 4), np.int64), 1, 2**16),
        (np.zeros((2, 4), np.int64), np.zeros((1, 1, 4), np.int32), 1, 2**16),  # would broadcast
        (np.zeros((1, 4), np.int64), np.zeros((2, 1, 4), np.int32), 1, 2**16),  # another rule's parts
        (np.zeros(4, np.int64), np.zeros((1, 4), np.int32), 1, 2**16),
        (np.zeros((1, 4), np.int32), np.zeros((1, 1, 4), np.int32), 1, 2**16),
        (np.full((1, 4), 2**30 + 1, np.int64), np.zeros((1, 1, 4), np.int32), 1, 2**16),
        (np.full((1, 4), -(2**63), np.int64), np.zeros((1, 1, 4), np.int32), 1, 2**16),
    ],
)
def test_finish_refuses(sums: np.ndarray, prior: np.ndarray, total: int, server_lr: int) -> None:
    with pytest.raises(RuleError):
        RULE.finish(sums, prior, total, server_lr)


def test_rules_go_by_the_name_of_their_contract() -> None:
    assert rule_named("fedavg").name == "fedavg"
    with pytest.raises(RuleError, match="krum"):
        rule_named("krum")

"""What the norm-bounded mean promises about large and small updates, and what its NumPy version refuses.
`test_rule_formulas.py` compares it with the formula."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from fedaggregator.rules import RuleError
from fedaggregator.rules.fedavg import FedAvg
from fedaggregator.rules.norm_bounded import NormBoundedMean
from numpy.typing import NDArray

RULE = NormBoundedMean()
K, SHIFT = 1024, 10


def mean(updates: list[NDArray[np.signedinteger[Any]]], shifts: list[int], rule: Any = RULE) -> NDArray[np.int32]:
    """Of one leaf of each update, all with the weight 1, in units."""
    sums = None
    for update, shift in zip(updates, shifts, strict=True):
        sums = rule.accumulate(sums, update[np.newaxis], 1, shift)
    prior = np.zeros((1, 1, len(updates[0])), np.int32)
    result: NDArray[np.int32] = rule.finish(sums, prior, len(updates), 2**16)[0, 0]
    return result


def honest(count: int, length: int = K) -> list[NDArray[np.int8]]:
    rng = np.random.default_rng(count)
    return [rng.integers(-50, 51, length).astype(np.int8) for _ in range(count)]


def norm(values: NDArray[np.int32]) -> float:
    return float(np.linalg.norm(values.astype(np.float64)))


@pytest.mark.parametrize(("clients", "attackers"), [(3, 1), (4, 1), (5, 2), (8, 3), (9, 4)])
@pytest.mark.parametrize("kind", ["noise", "flipped", "zero"])
def test_the_fewer_half_takes_or_adds_no_more_than_one_of_the_others_has(
    clients: int, attackers: int, kind: str
) -> None:
    others = honest(clients - attackers)
    sent = {
        "noise": np.resize(np.array([-128, 127], np.int8), K),
        "flipped": -others[0],
        "zero": np.zeros(K, np.int8),
    }[kind]
    updates, shifts = [*others, *[sent] * attackers], [SHIFT] * len(others) + [23] * attackers
    most = max(norm(o.astype(np.int32) << SHIFT) for o in others)
    least = min(norm(o.astype(np.int32) << SHIFT) for o in others)
    alone = mean(others, [SHIFT] * len(others)).astype(np.int64) * len(others) // clients
    assert norm(mean(updates, shifts) - alone) <= attackers / clients * most + (most - least) + K**0.5
    if kind == "noise":
        assert norm(mean(updates, shifts, FedAvg())) > 50 * most


def test_of_updates_of_one_size_it_is_the_mean() -> None:
    """The same values in another order have the same norm: nothing is scaled, nothing is lost."""
    values = honest(1)[0]
    updates = [np.roll(values, by) for by in range(5)]
    assert (mean(updates, [SHIFT] * 5) == mean(updates, [SHIFT] * 5, FedAvg())).all()


def test_what_only_one_update_says_stays() -> None:
    """A median of values would leave it out."""
    updates = [np.zeros(K, np.int8) for _ in range(4)]
    for at, update in enumerate(updates):
        update[at] = 100
    assert mean(updates, [SHIFT] * 4)[:5].tolist() == [25 << SHIFT] * 4 + [0]


def test_an_update_that_is_larger_by_far_than_2_to_the_16_counts_as_nothing() -> None:
    updates = [np.resize(np.array([1], np.int8), K)] * 2 + [np.resize(np.array([-128], np.int8), K)]
    assert (mean(updates, [0, 0, 23]) == 1).all()  # R(2, 3)


def test_the_longest_leaf_there_is() -> None:
    """Its squares come to 2^73, more than int64 holds."""
    lowest = np.full(8192, -(2**15), np.int16)
    assert (mean([lowest] * 3, [15] * 3) == -(2**30)).all()


def test_sums_of_another_weight_are_refused() -> None:
    sums = RULE.accumulate(None, np.ones((1, 32), np.int8), 7, 0)
    for total in (6, 8):
        with pytest.raises(RuleError, match="weigh 7"):
            RULE.finish(sums, np.zeros((1, 1, 32), np.int32), total, 2**16)
    with pytest.raises(RuleError):
        RULE.finish(sums, np.zeros((2, 1, 32), np.int32), 7, 2**16)
    with pytest.raises(RuleError):
        RULE.finish(sums, np.zeros((1, 1, 64), np.int32), 7, 2**16)

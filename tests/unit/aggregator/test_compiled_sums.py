"""The compiled loops of the rules against the NumPy versions, which the rules' own tests hold to the contracts."""

from __future__ import annotations

import numpy as np
import pytest
from fedaggregator import compiled_sums
from fedaggregator.rules.limits import MAX_VALUE
from fedaggregator.rules.step import clamped
from fedprotocol.numbers import divide_round
from numpy.typing import NDArray

INT32 = np.iinfo(np.int32)


def sums_of(total: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Any, the largest that there are, and many close to where the rounding turns."""
    limit = total * MAX_VALUE
    turns = rng.integers(-MAX_VALUE, MAX_VALUE, 60_000) * total + total // 2 + rng.integers(-2, 3, 60_000)
    ends = np.array([limit, limit - 1, 0, 1, total, total // 2, total // 2 + 1, (total + 1) // 2])
    return np.concatenate([rng.integers(-limit, limit, 60_000, endpoint=True), turns.clip(-limit, limit), ends, -ends])


@pytest.mark.parametrize("total", [1, 2, 3, 7, 1000, 2**20 - 1, 256 * (2**20 - 1), 2**28, 2**31 - 1, 2**32 - 1])
def test_means_and_steps(total: int) -> None:
    rng = np.random.default_rng(total)
    sums = sums_of(total, rng)
    means, new = np.empty_like(sums), np.empty(len(sums), np.int32)
    assert compiled_sums.mean(sums, total, total * MAX_VALUE, means)
    np.testing.assert_array_equal(means, divide_round(sums, total))
    weights = rng.choice([INT32.min, INT32.max, 0, -1, 5], len(sums)).astype(np.int32)
    for server_lr in (1, 60_001, 2**16, 2**17):
        compiled_sums.step(weights, means, server_lr, new)
        np.testing.assert_array_equal(new, clamped(weights + divide_round(means * np.int64(server_lr), 2**16)))
    # A mean with momentum has up to 2^46, which the step must bear too.
    large = np.concatenate([[-(2**46), 2**46 - 1, 1 - 2**46], rng.integers(-(2**46), 2**46, len(sums) - 3)])
    compiled_sums.step(weights, large, 2**17, new)
    np.testing.assert_array_equal(new, clamped(weights + divide_round(large * np.int64(2**17), 2**16)))


@pytest.mark.parametrize("beyond", [1, -1])
@pytest.mark.parametrize("total", [1, 1000, 2**32 - 1])
def test_sums_beyond_their_limit_have_no_mean(total: int, beyond: int) -> None:
    limit = total * MAX_VALUE
    sums, means = np.full(100, -limit * beyond), np.empty(100, np.int64)
    assert compiled_sums.mean(sums, total, limit, means)
    sums[77] = (limit + 1) * beyond
    assert not compiled_sums.mean(sums, total, limit, means)


@pytest.mark.parametrize("kind", [np.int8, np.int16, np.int32])
def test_sums(kind: type[np.signedinteger]) -> None:
    rng, limits = np.random.default_rng(0), np.iinfo(kind)
    mantissas = rng.integers(limits.min, limits.max, 100_000, kind, endpoint=True)
    mantissas.setflags(write=False)
    sums = rng.integers(-(2**58), 2**58, 100_000)
    expected = sums + mantissas.astype(np.int64) * ((2**20 - 1) << 10)
    compiled_sums.add(sums, mantissas, (2**20 - 1) << 10)
    np.testing.assert_array_equal(sums, expected)

"""The partial sums of a rule that needs the weighted mean of all updates: `S = sum (w_i << shift_i) * m_i`, int64.

It is the same form as in `contracts/libraries/WeightedSums.sol`. At the protocol's limits (256 clients, weights below
2^20, shift + bits <= 31) `|S| < 2^59`, so a sum never leaves int64.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from fedprotocol import compiled
from fedprotocol.numbers import divide_round
from numpy.typing import NDArray

from fedaggregator.rules.base import RuleError, Sums
from fedaggregator.rules.limits import MAX_VALUE, check_update

LOOPS = "fedaggregator.compiled_sums"
WIDTH = 8
"""Bytes of a sum."""


def add(sums: Sums | None, mantissas: NDArray[np.signedinteger[Any]], weight: int, shift: int) -> Sums:
    """One more update onto `sums`, which are changed: what `Rule.accumulate` returns, int64 [leaves, K].

    Raises:
        RuleError: see `limits.check_update`; or the sums have another shape or dtype.
    """
    check_update(mantissas, weight, shift)
    if sums is None:
        sums = np.zeros(mantissas.shape, np.int64)
    if sums.dtype != np.int64 or sums.shape != mantissas.shape:
        raise RuleError(f"sums are {sums.dtype}{list(sums.shape)}, the mantissas need int64{list(mantissas.shape)}")
    loops = compiled.module(LOOPS)
    if loops is None or not sums.flags.c_contiguous:
        sums += np.multiply(mantissas, np.int64(weight << shift), dtype=np.int64)
    else:
        loops.add(sums.reshape(-1), np.ascontiguousarray(mantissas).reshape(-1), weight << shift)
    return sums


def mean(sums: Sums, total_weight: int) -> NDArray[np.int64]:
    """R(S, W), with R as in `docs/protocol.md`: int64 [leaves, K] in units, at most 2^30 in magnitude.

    Args:
        sums: the sums over all accepted updates.
        total_weight: the accepted weight, at least 1.

    Raises:
        RuleError: another dtype, or sums that updates of this weight cannot have.
    """
    if sums.dtype != np.int64:
        raise RuleError(f"sums are int64, not {sums.dtype}")
    # Beyond this, a product with the mean might not fit into int64, where the contract would still be exact.
    limit = total_weight * MAX_VALUE
    loops = compiled.module(LOOPS) if total_weight < 1 << 32 else None
    if loops is not None:
        result = np.empty(sums.shape, np.int64)
        if loops.mean(np.ascontiguousarray(sums).reshape(-1), total_weight, limit, result.reshape(-1)):
            return result
    elif not sums.size or (int(sums.max()) <= limit and int(sums.min()) >= -limit):
        return divide_round(sums, total_weight)
    raise RuleError(f"the sums are too large for a total weight of {total_weight}")

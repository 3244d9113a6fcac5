"""A weighted mean of updates of which none is longer than the median, leaf by leaf, in integers.

It clips to a quantile of the norms, as adaptive clipping does (Andrew et al., 2021, arXiv:1905.03871), but leaf by
leaf, because a leaf is what a proof opens. It computes the same as `contracts/rules/NormBoundedMean.sol`;
`docs/protocol.md` has the formula.
"""

from __future__ import annotations

from math import isqrt
from typing import Any

import numpy as np
from fedprotocol.numbers import divide_round
from numpy.typing import NDArray

from fedaggregator.rules import gathered_leaves
from fedaggregator.rules.base import RuleError, Sums
from fedaggregator.rules.limits import check_prior
from fedaggregator.rules.step import stepped

ONE = 2**16
"""The factor of an update that stays as it is."""


class NormBoundedMean:
    """g' = clamp(g + R(R(S, W) * server_lr, 2^16)) with S = sum w_i y_i, where y_i is the update x_i = m_i * 2^shift_i,
    scaled down in each leaf to the lower median of all updates' norms in this leaf."""

    name = "norm-bounded"
    summary = (
        "The mean of the updates, in which each counts by its weight, but none by more than the median of their sizes."
    )
    contract = "NormBoundedMean"
    parts = 1

    def max_clients(self, leaf_values: int, bits: int) -> int:
        """See `Rule.max_clients`."""
        return gathered_leaves.most_updates(leaf_values, bits)

    def sums_bytes(self, updates: int, leaf_values: int, bits: int) -> int:
        """See `Rule.sums_bytes`."""
        return gathered_leaves.sums_bytes(updates, leaf_values, bits)

    def gas_bound(self, updates: int, leaf_values: int, bits: int, start: int, final: bool) -> int:
        """See `Rule.gas_bound`; measured in docs/gas.md."""
        appended = gathered_leaves.gas_bound(updates, leaf_values, bits, start)
        return appended + (_finish_gas(start + updates, leaf_values, bits) if final else 0)

    def accumulate(self, sums: Sums | None, mantissas: NDArray[np.signedinteger[Any]], weight: int, shift: int) -> Sums:
        """See `Rule.accumulate` and `gathered_leaves.append`."""
        return gathered_leaves.append(sums, mantissas, weight, shift)

    def finish(self, sums: Sums, prior: NDArray[np.int32], total_weight: int, server_lr: int) -> NDArray[np.int32]:
        """See `Rule.finish`."""
        check_prior(prior, (self.parts, *prior.shape[1:]), total_weight, server_lr)
        leaves, leaf_values = prior.shape[1:]
        rows = gathered_leaves.read(sums, leaves, leaf_values)
        if int(rows.weights.sum()) != total_weight:
            raise RuleError(f"the updates weigh {int(rows.weights.sum())} together, not {total_weight}")
        result = np.empty_like(prior)
        for leaf in range(leaves):  # one at a time, because scaling takes eight bytes for each value of an update
            mantissas = rows.mantissas[:, leaf].astype(np.int64)
            scale = _factors(mantissas, rows.shifts) << rows.shifts
            scaled = mantissas * scale[:, np.newaxis] + ONE // 2 >> 16  # below 2^47 before the shift, which rounds down
            result[0, leaf] = stepped(prior[0, leaf], divide_round(rows.weights @ scaled, total_weight), server_lr)
        return result


def _factors(mantissas: NDArray[np.int64], shifts: NDArray[np.int64]) -> NDArray[np.int64]:
    """What each update's leaf is multiplied by, unit 2^-16, so that no norm exceeds their lower median.

    Args:
        mantissas: [n, K].
        shifts: [n].

    Returns:
        int64 [n], at most `ONE`.
    """
    squares = np.square(mantissas).sum(axis=1)
    norms = [isqrt(int(q) << 2 * int(shift)) for q, shift in zip(squares, shifts, strict=True)]  # of up to 73 bits
    bound = sorted(norms)[(len(norms) - 1) // 2]
    return np.array([ONE if norm <= bound else bound * ONE // norm for norm in norms], np.int64)


def _finish_gas(count: int, leaf_values: int, bits: int) -> int:
    """An upper bound of the gas of `finish` for `count` rows. Wide mantissas make more words."""
    return 25_000 + 8_500 * count + leaf_values * (400 + (24 + 5 * bits // 2) * count)


RULE = NormBoundedMean()

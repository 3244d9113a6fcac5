"""A weighted mean of updates of which none is longer than the median, leaf by leaf, in integers.

It clips to a quantile of the norms, as adaptive clipping does (Andrew et al., 2021, arXiv:1905.03871), but leaf by
leaf, because a leaf is what a proof opens. It computes the same as `contracts/rules/NormBoundedMean.sol`;
`docs/protocol.md` has the formula.
"""

from __future__ import annotations

from math import isqrt

import numpy as np
from fedprotocol.numbers import divide_round
from numpy.typing import NDArray

from fedaggregator.rules.base import RuleError
from fedaggregator.rules.gathered_leaves import Rows, most_updates
from fedaggregator.rules.gathered_rule import GatheredRule

ONE = 2**16
"""The factor of an update that stays as it is."""


class NormBoundedMean(GatheredRule):
    """The mean R(S, W) with S = sum w_i y_i, where y_i is the update x_i = m_i * 2^shift_i,
    scaled down in each leaf to the lower median of all updates' norms in this leaf."""

    name = "norm-bounded"
    summary = (
        "The mean of the updates, in which each counts by its weight, but none by more than the median of their sizes."
    )
    contract = "NormBoundedMean"

    def max_clients(self, leaf_values: int, bits: int) -> int:
        """See `Rule.max_clients`."""
        return most_updates(leaf_values, bits)

    def finish_gas(self, count: int, leaf_values: int, bits: int) -> int:
        """See `GatheredRule.finish_gas`. Wide mantissas make more words."""
        return 25_000 + 8_500 * count + leaf_values * (400 + (24 + 5 * bits // 2) * count)

    def mean(self, rows: Rows, leaf: int, total_weight: int) -> NDArray[np.int64]:
        """See `GatheredRule.mean`. Raises RuleError if the updates have another weight than `total_weight`."""
        if int(rows.weights.sum()) != total_weight:
            raise RuleError(f"the updates weigh {int(rows.weights.sum())} together, not {total_weight}")
        mantissas = rows.mantissas[:, leaf].astype(np.int64)
        scale = _factors(mantissas, rows.shifts) << rows.shifts
        scaled = mantissas * scale[:, np.newaxis] + ONE // 2 >> 16  # below 2^47 before the shift, which rounds down
        return divide_round(rows.weights @ scaled, total_weight)


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


RULE = NormBoundedMean()

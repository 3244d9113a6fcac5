"""The mean of the middle ones of all updates' values, value by value, whatever the updates weigh.

It computes the same as `contracts/rules/shared/MiddleMean.sol`; `docs/protocol.md` has the formula.
"""

from __future__ import annotations

import numpy as np
from fedprotocol.numbers import divide_round
from numpy.typing import NDArray

from fedaggregator.rules.gathered_leaves import Rows, most_updates
from fedaggregator.rules.gathered_rule import GatheredRule

_FINISH_GAS = 13_500_000  # 2^24 without the calldata, the memory and the rest of a challenge


class MiddleMean(GatheredRule):
    """The mean R(S, n - 2t) of the n values x_i = m_i * 2^shift_i of all updates without the t smallest and the t
    largest. A rule of this kind says how large t is."""

    name: str
    summary: str
    contract: str

    def trim(self, count: int) -> int:
        """t for `count` updates: how many values are left out at each end, less than half of them."""
        raise NotImplementedError

    def max_clients(self, leaf_values: int, bits: int) -> int:
        """See `Rule.max_clients`."""
        count = most_updates(leaf_values, bits)
        while count and self.finish_gas(count, leaf_values, bits) > _FINISH_GAS:
            count -= 1
        return count

    def finish_gas(self, count: int, leaf_values: int, bits: int) -> int:  # noqa: ARG002 - lanes have one width
        """See `GatheredRule.finish_gas`; the contract computes the same."""
        steps = (count - 1).bit_length()
        pairs = count * (steps * steps - steps + 4)
        return 30_000 + 120 * pairs + leaf_values * (440 + 22 * count + 4 * pairs)

    def mean(self, rows: Rows, leaf: int, total_weight: int) -> NDArray[np.int64]:  # noqa: ARG002 - all count alike
        """See `GatheredRule.mean`."""
        count = len(rows.shifts)
        trim = self.trim(count)
        values = np.left_shift(rows.mantissas[:, leaf], rows.shifts[:, np.newaxis], dtype=np.int32)
        middle = np.sort(values, axis=0)[trim : count - trim].sum(axis=0, dtype=np.int64)
        return divide_round(middle, count - 2 * trim)

"""The mean of the middle ones of all updates' values, value by value, whatever the updates weigh.

It computes the same as `contracts/rules/shared/MiddleMean.sol`; `docs/protocol.md` has the formula.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from fedprotocol.numbers import divide_round
from numpy.typing import NDArray

from fedaggregator.rules import gathered_leaves
from fedaggregator.rules.base import Sums
from fedaggregator.rules.limits import check_prior
from fedaggregator.rules.step import stepped

_FINISH_GAS = 13_500_000  # 2^24 without the calldata, the memory and the rest of a challenge


class MiddleMean:
    """g' = clamp(g + R(mean * server_lr, 2^16)), with the mean R(S, n - 2t) of the n values x_i = m_i * 2^shift_i of
    all updates without the t smallest and the t largest. A rule of this kind says how large t is."""

    name: str
    summary: str
    contract: str
    parts = 1

    def trim(self, count: int) -> int:
        """t for `count` updates: how many values are left out at each end, less than half of them."""
        raise NotImplementedError

    def max_clients(self, leaf_values: int, bits: int) -> int:
        """See `Rule.max_clients`."""
        count = gathered_leaves.most_updates(leaf_values, bits)
        while count and _finish_gas(count, leaf_values) > _FINISH_GAS:
            count -= 1
        return count

    def sums_bytes(self, updates: int, leaf_values: int, bits: int) -> int:
        """See `Rule.sums_bytes`."""
        return gathered_leaves.sums_bytes(updates, leaf_values, bits)

    def gas_bound(self, updates: int, leaf_values: int, bits: int, start: int, final: bool) -> int:
        """See `Rule.gas_bound`; measured in docs/gas.md."""
        appended = gathered_leaves.gas_bound(updates, leaf_values, bits, start)
        return appended + (_finish_gas(start + updates, leaf_values) if final else 0)

    def accumulate(self, sums: Sums | None, mantissas: NDArray[np.signedinteger[Any]], weight: int, shift: int) -> Sums:
        """See `Rule.accumulate` and `gathered_leaves.append`."""
        return gathered_leaves.append(sums, mantissas, weight, shift)

    def finish(self, sums: Sums, prior: NDArray[np.int32], total_weight: int, server_lr: int) -> NDArray[np.int32]:
        """See `Rule.finish`."""
        check_prior(prior, (self.parts, *prior.shape[1:]), total_weight, server_lr)
        leaves, leaf_values = prior.shape[1:]
        rows = gathered_leaves.read(sums, leaves, leaf_values)
        count, trim = len(rows.shifts), self.trim(len(rows.shifts))
        result = np.empty_like(prior)
        for leaf in range(leaves):  # one at a time, because sorting takes four bytes for each value of an update
            values = np.left_shift(rows.mantissas[:, leaf], rows.shifts[:, np.newaxis], dtype=np.int32)
            ordered = np.sort(values, axis=0)
            middle = ordered[trim : count - trim].sum(axis=0, dtype=np.int64)
            result[0, leaf] = stepped(prior[0, leaf], divide_round(middle, count - 2 * trim), server_lr)
        return result


def _finish_gas(count: int, leaf_values: int) -> int:
    """An upper bound of the gas of `finish` for `count` rows, as the contract computes it."""
    steps = (count - 1).bit_length()
    pairs = count * (steps * steps - steps + 4)
    return 30_000 + 120 * pairs + leaf_values * (440 + 22 * count + 4 * pairs)

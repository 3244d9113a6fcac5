"""What rules have in common that need the values of all updates at once and make a mean of them, leaf by leaf."""

from __future__ import annotations

from typing import Any

import numpy as np
from fedprotocol.numbers import MANTISSA_BITS
from numpy.typing import NDArray

from fedaggregator.rules import gathered_leaves
from fedaggregator.rules.base import Sums
from fedaggregator.rules.gathered_leaves import Rows
from fedaggregator.rules.limits import check_prior
from fedaggregator.rules.step import stepped


class GatheredRule:
    """g' = clamp(g + R(mean * server_lr, 2^16)). A rule of this kind says what the mean of a leaf is, and what gas its
    contract needs to finish one."""

    bits = MANTISSA_BITS
    parameters = ()
    parts = 1

    def mean(self, rows: Rows, leaf: int, total_weight: int) -> NDArray[np.int64]:
        """What the updates in `rows` change in a leaf, int64 [K] in units of 2^-24. Raises RuleError."""
        raise NotImplementedError

    def finish_gas(self, count: int, leaf_values: int, bits: int) -> int:
        """An upper bound of the gas of `finish` for `count` rows."""
        raise NotImplementedError

    def sums_bytes(self, updates: int, leaf_values: int, bits: int) -> int:
        """See `Rule.sums_bytes`."""
        return gathered_leaves.sums_bytes(updates, leaf_values, bits)

    def gas_bound(self, updates: int, leaf_values: int, bits: int, start: int, final: bool) -> int:
        """See `Rule.gas_bound`; measured in docs/gas.md."""
        appended = gathered_leaves.gas_bound(updates, leaf_values, bits, start)
        return appended + (self.finish_gas(start + updates, leaf_values, bits) if final else 0)

    def accumulate(self, sums: Sums | None, mantissas: NDArray[np.signedinteger[Any]], weight: int, shift: int) -> Sums:
        """See `Rule.accumulate` and `gathered_leaves.append`."""
        return gathered_leaves.append(sums, mantissas, weight, shift)

    def finish(self, sums: Sums, prior: NDArray[np.int32], total_weight: int, server_lr: int) -> NDArray[np.int32]:
        """See `Rule.finish`."""
        check_prior(prior, (self.parts, *prior.shape[1:]), total_weight, server_lr)
        leaves, leaf_values = prior.shape[1:]
        rows = gathered_leaves.read(sums, leaves, leaf_values)
        result = np.empty_like(prior)
        for leaf in range(leaves):  # one at a time, because a mean takes several bytes for each value of an update
            result[0, leaf] = stepped(prior[0, leaf], self.mean(rows, leaf, total_weight), server_lr)
        return result

"""Federated averaging, weighted by examples (McMahan et al., 2017, arXiv:1602.05629), in integers.

It computes the same as `contracts/rules/FedAvg.sol`; `docs/protocol.md` has the formula.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from fedprotocol.numbers import divide_round
from numpy.typing import NDArray

from fedaggregator.rules.base import RuleError, Sums
from fedaggregator.rules.limits import MAX_VALUE, check_prior, check_update
from fedaggregator.rules.step import stepped


class FedAvg:
    """g' = clamp(g + R(R(S, W) * server_lr, 2^16)) with S = sum (w_i << shift_i) * m_i."""

    name = "fedavg"
    summary = "The mean of the updates, in which each counts by its weight."
    contract = "FedAvg"
    parts = 1

    def max_clients(self, leaf_values: int, bits: int) -> int:  # noqa: ARG002 - a case can always be spread over more calls
        """See `Rule.max_clients`."""
        return 256

    def sums_bytes(self, updates: int, leaf_values: int, bits: int) -> int:  # noqa: ARG002 - always the same length
        """See `Rule.sums_bytes`."""
        return 8 * leaf_values

    def gas_bound(self, updates: int, leaf_values: int, bits: int, start: int, final: bool) -> int:  # noqa: ARG002
        """See `Rule.gas_bound`; measured in docs/gas.md."""
        return leaf_values * (60 * updates + (300 if final else 0))

    def accumulate(self, sums: Sums | None, mantissas: NDArray[np.signedinteger[Any]], weight: int, shift: int) -> Sums:
        """See `Rule.accumulate`; sums are int64 [leaves, K]."""
        check_update(mantissas, weight, shift)
        if sums is None:
            sums = np.zeros(mantissas.shape, np.int64)
        if sums.dtype != np.int64 or sums.shape != mantissas.shape:
            raise RuleError(f"sums are {sums.dtype}{list(sums.shape)}, the mantissas need int64{list(mantissas.shape)}")
        sums += np.multiply(mantissas, np.int64(weight << shift), dtype=np.int64)
        return sums

    def finish(self, sums: Sums, prior: NDArray[np.int32], total_weight: int, server_lr: int) -> NDArray[np.int32]:
        """See `Rule.finish`."""
        check_prior(prior, (self.parts, *sums.shape), total_weight, server_lr)
        if sums.dtype != np.int64:
            raise RuleError(f"sums are int64, not {sums.dtype}")
        # Beyond this, the product with server_lr might not fit into int64, where the contract would still be exact.
        limit = total_weight * MAX_VALUE
        if sums.size and (int(sums.max()) > limit or int(sums.min()) < -limit):
            raise RuleError(f"the sums are too large for a total weight of {total_weight}")
        return stepped(prior, divide_round(sums, total_weight)[np.newaxis], server_lr)


RULE = FedAvg()

"""Federated averaging, weighted by examples (McMahan et al., 2017, arXiv:1602.05629), in integers.

It computes the same as `contracts/rules/FedAvg.sol`; `docs/protocol.md` has the formula.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from fedprotocol.numbers import MANTISSA_BITS
from numpy.typing import NDArray

from fedaggregator.rules import weighted_sums
from fedaggregator.rules.base import Sums
from fedaggregator.rules.limits import check_prior
from fedaggregator.rules.step import stepped


class FedAvg:
    """g' = clamp(g + R(R(S, W) * server_lr, 2^16)) with S = sum (w_i << shift_i) * m_i."""

    name = "fedavg"
    summary = "The mean of the updates, in which each counts by its weight."
    contract = "FedAvg"
    bits = MANTISSA_BITS
    parameters = ()
    parts = 1

    def max_clients(self, leaf_values: int, bits: int) -> int:  # noqa: ARG002 - a case can always be spread over more calls
        """See `Rule.max_clients`; none of masked values, which have 32 bits."""
        return 256 if bits <= max(self.bits) else 0

    def sums_bytes(self, updates: int, leaf_values: int, bits: int) -> int:  # noqa: ARG002 - always the same length
        """See `Rule.sums_bytes`."""
        return weighted_sums.WIDTH * leaf_values

    def gas_bound(self, updates: int, leaf_values: int, bits: int, start: int, final: bool) -> int:  # noqa: ARG002
        """See `Rule.gas_bound`; measured in docs/gas.md."""
        return leaf_values * (60 * updates + (300 if final else 0))

    def accumulate(self, sums: Sums | None, mantissas: NDArray[np.signedinteger[Any]], weight: int, shift: int) -> Sums:
        """See `Rule.accumulate`; sums are int64 [leaves, K]."""
        return weighted_sums.add(sums, mantissas, weight, shift)

    def finish(self, sums: Sums, prior: NDArray[np.int32], total_weight: int, server_lr: int) -> NDArray[np.int32]:
        """See `Rule.finish`."""
        check_prior(prior, (self.parts, *sums.shape), total_weight, server_lr)
        return stepped(prior, weighted_sums.mean(sums, total_weight)[np.newaxis], server_lr)


RULE = FedAvg()

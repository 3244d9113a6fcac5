"""Federated averaging with Nesterov's momentum at the server, in integers.

The momentum is that of FedAvgM (Hsu et al., 2019, arXiv:1909.06335), in the form that DiLoCo uses (Douillard et al.,
2023, arXiv:2311.08105). It computes the same as `contracts/rules/FedAvgM.sol`; `docs/protocol.md` has the formula.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from fedprotocol.numbers import MANTISSA_BITS, divide_round
from numpy.typing import NDArray

from fedaggregator.rules import weighted_sums
from fedaggregator.rules.base import Sums
from fedaggregator.rules.limits import check_prior
from fedaggregator.rules.step import clamped, stepped

MOMENTUM = 19_661
"""How much of the momentum is kept from round to round: 0.3, in units of 2^-16."""


class FedAvgM:
    """The mean of FedAvg, and a momentum v beside each weight g: v' = clamp(R(v * MOMENTUM, 2^16) + mean);
    look = mean + R(v' * MOMENTUM, 2^16); g' = clamp(g + R(look * server_lr, 2^16))."""

    name = "fedavgm"
    summary = "The mean of the updates, in which each counts by its weight, and a part of what earlier rounds changed."
    contract = "FedAvgM"
    bits = MANTISSA_BITS
    parameters = ()
    parts = 2

    def max_clients(self, leaf_values: int, bits: int) -> int:
        """See `Rule.max_clients`; none of masked values, which have 32 bits. With the largest leaves, the sums and both
        parts of the prior are more than a call holds: then all updates must come in the one call that needs no sums."""
        if bits > max(self.bits):
            return 0
        if leaf_values <= 4096:
            return 256
        return 6 if bits == 8 else 3

    def sums_bytes(self, updates: int, leaf_values: int, bits: int) -> int:  # noqa: ARG002 - always the same length
        """See `Rule.sums_bytes`."""
        return weighted_sums.WIDTH * leaf_values

    def gas_bound(self, updates: int, leaf_values: int, bits: int, start: int, final: bool) -> int:  # noqa: ARG002
        """See `Rule.gas_bound`; measured in docs/gas.md."""
        return leaf_values * (60 * updates + (600 if final else 0))

    def accumulate(self, sums: Sums | None, mantissas: NDArray[np.signedinteger[Any]], weight: int, shift: int) -> Sums:
        """See `Rule.accumulate`; sums are int64 [leaves, K]."""
        return weighted_sums.add(sums, mantissas, weight, shift)

    def finish(self, sums: Sums, prior: NDArray[np.int32], total_weight: int, server_lr: int) -> NDArray[np.int32]:
        """See `Rule.finish`."""
        check_prior(prior, (self.parts, *sums.shape), total_weight, server_lr)
        mean = weighted_sums.mean(sums, total_weight)
        weights, momentum = prior
        momentum = clamped(_kept(momentum) + mean)
        return np.stack([stepped(weights, mean + _kept(momentum), server_lr), momentum])


def _kept(momentum: NDArray[np.int32]) -> NDArray[np.int64]:
    """R(v * MOMENTUM, 2^16)."""
    return divide_round(momentum * np.int64(MOMENTUM), 2**16)


RULE = FedAvgM()

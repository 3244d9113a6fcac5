"""Federated averaging, weighted by examples (McMahan et al., 2017, arXiv:1602.05629), in integers.

It computes the same as `contracts/rules/FedAvg.sol`; `docs/protocol.md` has the formula.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from fedprotocol.numbers import divide_round
from fedprotocol.types import MAX_WEIGHT
from numpy.typing import NDArray

from fedaggregator.rules.base import RuleError, Sums

MAX_SERVER_LR = 2**17
MAX_MEAN = 2**30  # |mantissa * 2^shift| <= 2^30 because shift + bits <= 31

_INT32 = np.iinfo(np.int32)


class FedAvg:
    """g' = clamp(g + R(R(S, W) * server_lr, 2^16)) with S = sum (w_i << shift_i) * m_i."""

    name = "fedavg"
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
        """See `Rule.accumulate`; sums are int64 [n]."""
        if sums is None:
            sums = np.zeros(mantissas.shape, np.int64)
        if mantissas.dtype.kind != "i" or mantissas.dtype.itemsize not in (1, 2):
            raise RuleError(f"mantissas must be int8 or int16, not {mantissas.dtype}")
        if sums.dtype != np.int64 or sums.shape != mantissas.shape:
            raise RuleError(f"sums are {sums.dtype}{list(sums.shape)}, the mantissas need int64{list(mantissas.shape)}")
        if not 0 <= weight <= MAX_WEIGHT:
            raise RuleError(f"weight {weight} is not in 0 .. {MAX_WEIGHT}")
        if not 0 <= shift <= 31 - 8 * mantissas.dtype.itemsize:
            raise RuleError(f"shift {shift} is not in 0 .. {31 - 8 * mantissas.dtype.itemsize}")
        sums += np.multiply(mantissas, np.int64(weight << shift), dtype=np.int64)
        return sums

    def finish(self, sums: Sums, prior: NDArray[np.int32], total_weight: int, server_lr: int) -> NDArray[np.int32]:
        """See `Rule.finish`."""
        if sums.dtype != np.int64 or prior.dtype != np.int32 or sums.shape != prior.shape:
            raise RuleError(
                f"sums {sums.dtype}{list(sums.shape)} and prior {prior.dtype}{list(prior.shape)} "
                "must be int64 and int32 of one shape"
            )
        if total_weight < 1:
            raise RuleError("the accepted updates have no weight")
        if not 1 <= server_lr <= MAX_SERVER_LR:
            raise RuleError(f"server_lr {server_lr} is not in 1 .. {MAX_SERVER_LR}")
        # Beyond this, the product with server_lr might not fit into int64, where the contract would still be exact.
        limit = total_weight * MAX_MEAN
        if sums.size and (int(sums.max()) > limit or int(sums.min()) < -limit):
            raise RuleError(f"the sums are too large for a total weight of {total_weight}")
        step = divide_round(divide_round(sums, total_weight) * np.int64(server_lr), 2**16)
        stepped: NDArray[np.int64] = prior + step
        return stepped.clip(_INT32.min, _INT32.max).astype(np.int32)


RULE = FedAvg()

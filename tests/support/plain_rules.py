"""The twin of contracts/mocks/rules/GatherRule.sol; the one of StateRule.sol is `examples/add_rule.py`."""

from __future__ import annotations

from typing import Any

import numpy as np
from fedaggregator.rules.base import Sums
from numpy.typing import NDArray

INT32 = np.iinfo(np.int32)


class GatherRule:
    """Needs all values of an element at once: g' = g + the largest m * 2^shift."""

    name, contract, parts = "test-gather", "GatherRule", 1
    summary = "Of each value the largest one in any update."

    def max_clients(self, leaf_values: int, bits: int) -> int:  # noqa: ARG002
        return min(256, 100_000 // (4 * leaf_values))

    def sums_bytes(self, updates: int, leaf_values: int, bits: int) -> int:  # noqa: ARG002
        return 4 * updates * leaf_values

    def gas_bound(self, updates: int, leaf_values: int, bits: int, start: int, final: bool) -> int:  # noqa: ARG002
        return leaf_values * 20_000 * (start + updates + 2)

    def accumulate(
        self,
        sums: Sums | None,
        mantissas: NDArray[np.signedinteger[Any]],
        weight: int,  # noqa: ARG002
        shift: int,
    ) -> Sums:
        own = (mantissas.astype(np.int32) << shift)[np.newaxis]
        return own if sums is None else np.concatenate([sums, own])

    def finish(self, sums: Sums, prior: NDArray[np.int32], total_weight: int, server_lr: int) -> NDArray[np.int32]:  # noqa: ARG002
        stepped = prior.astype(np.int64) + sums.max(axis=0)
        return stepped.clip(INT32.min, INT32.max).astype(np.int32)

"""Twins of contracts/mocks/rules: the two shapes of rules that FedAvg does not have."""

from __future__ import annotations

from typing import Any

import numpy as np
from fedaggregator.rules.base import Sums
from numpy.typing import NDArray

INT32 = np.iinfo(np.int32)


class StateRule:
    """Keeps state beside the weights: state' = state + S / W toward zero, g' = g + state'."""

    name, contract, parts = "test-state", "StateRule", 2

    def max_clients(self, leaf_values: int, bits: int) -> int:  # noqa: ARG002
        return 256

    def sums_bytes(self, updates: int, leaf_values: int) -> int:  # noqa: ARG002
        return 8 * leaf_values

    def gas_bound(self, updates: int, leaf_values: int, bits: int, start: int, final: bool) -> int:  # noqa: ARG002
        return leaf_values * 20_000 * (updates + 2)

    def accumulate(self, sums: Sums | None, mantissas: NDArray[np.signedinteger[Any]], weight: int, shift: int) -> Sums:
        added = mantissas.astype(np.int64) * (weight << shift)
        return added if sums is None else sums + added

    def finish(self, sums: Sums, prior: NDArray[np.int32], total_weight: int, server_lr: int) -> NDArray[np.int32]:  # noqa: ARG002
        weights, state = prior.astype(np.int64).reshape(2, -1)
        mean = np.sign(sums) * (np.abs(sums) // total_weight)
        state = np.clip(state + mean, INT32.min, INT32.max)
        return np.concatenate([np.clip(weights + state, INT32.min, INT32.max), state]).astype(np.int32)


class GatherRule:
    """Needs all values of an element at once: g' = g + the largest m * 2^shift."""

    name, contract, parts = "test-gather", "GatherRule", 1

    def max_clients(self, leaf_values: int, bits: int) -> int:  # noqa: ARG002
        return min(256, 100_000 // (4 * leaf_values))

    def sums_bytes(self, updates: int, leaf_values: int) -> int:
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

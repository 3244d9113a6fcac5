"""FedAvg and the masked mean in Python's own integers, written apart from the rules that the programs use: what a round
must come to, and what liars claim instead."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from fedaggregator.compute.inputs import delta_shape, global_shape, rule_of
from fedprotocol.car import Leaves
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.leaves import MemoryLeaves
from fedprotocol.numbers import from_bytes, split_leaves
from fedprotocol.store.base import Store
from numpy.typing import NDArray

INT32 = (-(2**31), 2**31 - 1)


@dataclass(frozen=True)
class Part:
    """One accepted update: int mantissas (all slots of all leaves, padding included), weight, shift."""

    mantissas: NDArray[Any]
    weight: int
    shift: int

    def weighing(self, weight: int) -> Part:
        return replace(self, weight=weight)


@dataclass(frozen=True)
class Inputs:
    """What a round's global follows from. `prior`: int32, all slots of all leaves. `masks`: scale and bound of masked
    values, which are in `parts` as they were published; empty if values are public."""

    prior: NDArray[np.int32]
    parts: tuple[Part, ...]  # by index of the update
    server_lr: int
    leaf_values: int
    masks: tuple[int, ...] = ()

    def aggregate(self) -> MemoryLeaves:
        """The next global. Raises AssertionError if masked values add up to garbage."""
        total = sum(part.weight for part in self.parts)
        if self.masks:
            scale, bound = self.masks
            added = self._unmasked()
            assert (abs(added) <= total * bound).all(), "the sum of all updates is garbage"
            sums = added << scale
        else:
            sums = sum((part.mantissas.astype(object) << part.shift) * part.weight for part in self.parts)
        step = _rounded(_rounded(sums, total) * self.server_lr, 2**16)
        values = np.clip(self.prior.astype(object) + step, *INT32).astype(np.int32)
        return MemoryLeaves(split_leaves(values, self.leaf_values))

    def _unmasked(self) -> NDArray[Any]:
        """All masked values added modulo 2^32, with a sign."""
        added: NDArray[Any] = sum(part.mantissas.astype(object) for part in self.parts) % 2**32
        return np.where(added < 2**31, added, added - 2**32)


def _rounded(a: NDArray[Any], b: int) -> NDArray[Any]:
    """To the nearest, halves away from zero."""
    rounded: NDArray[Any] = np.where(a >= 0, 1, -1).astype(object) * ((2 * np.abs(a) + b) // (2 * b))
    return rounded


class Observer:
    """Reads rounds as anybody can; `store` is his own, which finds what all others have."""

    def __init__(self, coordinator: Coordinator, store: Store) -> None:
        self._coordinator = coordinator
        self._store = store
        self._rights: dict[tuple[bytes, bytes, int], MemoryLeaves] = {}

    def inputs(self, round_number: int) -> Inputs:
        """Of a round in Aggregate or later. Raises StoreError if an accepted update is in no store."""
        config, view = self._coordinator.config(), self._coordinator.round_view(round_number)
        updates = [u for i, u in enumerate(self._coordinator.updates(round_number)) if view.accepted_mask >> i & 1]
        with self._store.get(view.prior_root, global_shape(config, rule_of(self._coordinator))) as leaves:
            prior = from_bytes(_all(leaves), 32)
        parts = []
        for update in updates:
            with self._store.get(update.root, delta_shape(config)) as leaves:
                parts.append(Part(from_bytes(_all(leaves), config.mantissa_bits), update.weight, update.shift))
        masks = self._coordinator.rule_parameters
        return Inputs(prior, tuple(parts), config.server_lr, config.leaf_values, masks)

    def right(self, round_number: int) -> MemoryLeaves:
        """The round's right global."""
        view = self._coordinator.round_view(round_number)
        key = view.prior_root, view.inputs_hash, view.accepted_mask
        if key not in self._rights:
            self._rights[key] = self.inputs(round_number).aggregate()
        return self._rights[key]


def _all(leaves: Leaves) -> bytes:
    return b"".join(leaves[i] for i in range(len(leaves)))

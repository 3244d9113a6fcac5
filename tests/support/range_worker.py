"""A worker that computes ranges of a global, in a process of its own, from what it reads of a store."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from fedaggregator.compute.merge import Contribution, merged_window
from fedprotocol.store.open import open_store
from fedprotocol.tree import TreeShape
from support.rules import TESTED


@dataclass(frozen=True)
class Merge:
    """What a worker is told: where content is, the roots of prior and updates, and the updates' weights and shifts."""

    store: str
    cache: Path
    rule: str
    bits: int
    shape: TreeShape
    prior: bytes
    updates: Sequence[tuple[bytes, int, int]]
    server_lr: int


def windows(told: Merge, ranges: Sequence[tuple[int, int]]) -> list[tuple[int, bytes]]:
    """The bytes of each range of leaves, with the first leaf's number."""
    rule = TESTED[told.rule]
    own = TreeShape(told.shape.leaf_count // rule.parts, told.shape.leaf_bytes * told.bits // 32)
    store = open_store(told.store, told.cache)
    with ExitStack() as files:
        prior = files.enter_context(store.get(told.prior, told.shape))
        updates = [
            Contribution(files.enter_context(store.get(root, own)), weight, shift)
            for root, weight, shift in told.updates
        ]
        return [
            (start, merged_window(rule, prior, updates, told.bits, told.server_lr, start, stop))
            for start, stop in ranges
        ]

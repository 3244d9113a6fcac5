"""Trees of any size for measurements: no two leaves are alike, and none is kept in memory."""

from __future__ import annotations

import numpy as np
from fedprotocol import levels
from fedprotocol.leaves import check_window
from fedprotocol.tree import DIGEST_BYTES, PAGE_LEAVES, TreeShape
from numpy.typing import NDArray

_STRIDE = np.uint64(0x9E3779B97F4A7C15)  # odd, so that all multiples of it differ


class MadeLeaves:
    """A `fedprotocol.leaves.Leaves` of random words, of which each leaf has its own number exclusive-or'ed to all."""

    def __init__(self, shape: TreeShape, seed: int) -> None:
        """`shape.leaf_bytes` is a multiple of 8."""
        self.shape = shape
        rng = np.random.default_rng(seed)
        self._words: NDArray[np.uint64] = rng.integers(0, 2**63, shape.leaf_bytes // 8, np.uint64)
        starts = range(0, shape.leaf_count, PAGE_LEAVES)
        windows = (self.window(at, min(at + PAGE_LEAVES, shape.leaf_count)) for at in starts)
        self._digests = b"".join(levels.digests(window, shape.leaf_bytes) for window in windows)
        self.root = levels.levels(self._digests)[-1]

    def __len__(self) -> int:
        return self.shape.leaf_count

    def __getitem__(self, index: int) -> bytes:
        return self.window(index, index + 1)

    def digest(self, index: int) -> bytes:
        return self.digests(index, index + 1)

    def window(self, start: int, stop: int) -> bytes:
        check_window(start, stop, len(self))
        own = np.arange(start, stop, dtype=np.uint64) * _STRIDE
        return (self._words ^ own[:, np.newaxis]).tobytes()

    def digests(self, start: int, stop: int) -> bytes:
        check_window(start, stop, len(self))
        return self._digests[start * DIGEST_BYTES : stop * DIGEST_BYTES]

"""A tree's leaves, one after the other in a plain file. A merge writes them before the root is known."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType

from fedprotocol.leaves import check_index, check_window
from fedprotocol.levels import levels
from fedprotocol.tree import DIGEST_BYTES, TreeShape


class LeafFile:
    """A `fedprotocol.car.Leaves` over a file of exactly `shape.leaf_count * shape.leaf_bytes` bytes.

    The leaves are on disk; in memory there is a digest of 32 bytes for each.
    """

    def __init__(self, path: Path, shape: TreeShape, digests: bytes) -> None:
        """`digests`: of all leaves, 32 bytes each. Raises TreeError if they are no tree's."""
        self.path = path
        self.shape = shape
        self.root = levels(digests)[-1]
        self._digests = digests
        self._fd = os.open(path, os.O_RDONLY)

    def __len__(self) -> int:
        return self.shape.leaf_count

    def __getitem__(self, index: int) -> bytes:
        check_index(index, len(self))
        return os.pread(self._fd, self.shape.leaf_bytes, index * self.shape.leaf_bytes)

    def digest(self, index: int) -> bytes:
        check_index(index, len(self))
        return self._digests[index * DIGEST_BYTES : (index + 1) * DIGEST_BYTES]

    def window(self, start: int, stop: int) -> bytes:
        check_window(start, stop, len(self))
        return os.pread(self._fd, self.shape.leaf_bytes * (stop - start), self.shape.leaf_bytes * start)

    def digests(self, start: int, stop: int) -> bytes:
        check_window(start, stop, len(self))
        return self._digests[start * DIGEST_BYTES : stop * DIGEST_BYTES]

    def close(self) -> None:
        """Close the file, which stays on disk."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> LeafFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

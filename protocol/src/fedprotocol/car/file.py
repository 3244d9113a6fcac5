"""A CAR on disk that was verified, and is read leaf by leaf."""

import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from fedprotocol import compiled, levels, tree
from fedprotocol.car.errors import BadLength, WrongBlock
from fedprotocol.car.format import AROUND
from fedprotocol.car.index import ENTRIES, INDEX_ENTRY
from fedprotocol.leaves import check_index, check_window
from fedprotocol.tree import TreeShape

Bytes = NDArray[np.uint8]

PAGE_LEAVES = 2048
"""How many entries of an index are read at once."""

READ_BYTES = 1 << 19
"""How many bytes of a CAR are read at once."""


class CarFile:
    """A CAR that `read_car` has verified, read leaf by leaf from disk through its index; nothing of it stays in memory.

    Every read is checked again: the index and one leaf when it is opened, then each leaf. The index is compared with
    `index_digest`, which `read_car` returned, so that what was verified just now is not computed again; without it, or
    if it differs, the root is computed from the index. Raises a CarError if a file was changed since it was verified.
    If a leaf that is read has changed, `on_damage` is called with this file before the error is raised. Safe to share
    between threads; close it, or use it as a context manager.
    """

    def __init__(
        self,
        car: Path,
        index: Path,
        root: bytes,
        shape: TreeShape,
        on_damage: Callable[["CarFile"], None] = lambda _: None,
        index_digest: bytes | None = None,
    ) -> None:
        self.root = root
        self.shape = shape
        self.path = car
        self._on_damage: Callable[[CarFile], None] = lambda _: None
        self._files: list[int] = []
        try:
            self._files += [os.open(car, os.O_RDONLY)]
            self._files += [os.open(index, os.O_RDONLY)]
            if os.fstat(self._files[1]).st_size != INDEX_ENTRY.size * shape.leaf_count:
                raise BadLength(f"{index} is not the index of a tree of {shape.leaf_count} leaves")
            compiled.expect(shape.leaf_count * shape.leaf_bytes)
            if not self._has_index(index_digest):
                raise WrongBlock(f"{index} is not the index of {tree.cid(root)}")
            self[0]  # the same root with leaves of another size is no damage
        except BaseException:
            self.close()
            raise
        self._on_damage = on_damage

    def __len__(self) -> int:
        return self.shape.leaf_count

    def __getitem__(self, index: int) -> bytes:
        offset, digest = self._entry(index)
        leaf = os.pread(self._files[0], self.shape.leaf_bytes, offset)
        if tree.leaf_digest(leaf) != digest:
            self._on_damage(self)
            raise WrongBlock(
                f"leaf {index} of {self.path}, read as {self.shape.leaf_bytes} bytes, does not hash to its digest: "
                "another leaf size, or changed on disk"
            )
        return leaf

    def digest(self, index: int) -> bytes:
        return self._entry(index)[1]

    def window(self, start: int, stop: int) -> memoryview:
        check_window(start, stop, len(self))
        leaves = np.empty((stop - start, self.shape.leaf_bytes), np.uint8)
        at_once = max(1, READ_BYTES // (self.shape.leaf_bytes + AROUND))
        for first, last in _steps(stop - start, at_once):
            self._read(start + first, leaves[first:last])
        return leaves.reshape(-1).data

    def digests(self, start: int, stop: int) -> bytes:
        check_window(start, stop, len(self))
        return self._entries(start, stop)["digest"].tobytes()

    @property
    def size(self) -> int:
        """Bytes of the open CAR, which may have been deleted from its folder since."""
        return os.fstat(self._files[0]).st_size

    def is_at(self, path: Path) -> bool:
        """Whether `path` still names the CAR that is open here."""
        try:
            return os.path.samestat(os.fstat(self._files[0]), path.stat())
        except FileNotFoundError:
            return False

    def close(self) -> None:
        """Close the files; reading afterwards raises ValueError."""
        while self._files:
            os.close(self._files.pop())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    def _read(self, start: int, out: Bytes) -> None:
        """A few leaves to `out`, uint8 [leaves, bytes of one]; by a single read where they stand close together."""
        entries, size = self._entries(start, start + len(out)), self.shape.leaf_bytes
        first, last = int(entries[0]["offset"]), int(entries[-1]["offset"])
        length = last - first + size
        if size <= length <= READ_BYTES + size:
            data = np.frombuffer(os.pread(self._files[0], length, first), np.uint8)
            if len(data) == length and _take(data, entries, out):
                return
        for at in range(len(out)):  # some of them occur more than once, or one is damaged: then this names it
            out[at] = np.frombuffer(self[start + at], np.uint8)

    def _has_index(self, known: bytes | None) -> bool:
        """Whether the index is the one with the SHA-256 `known`, or else of this tree."""
        pages = list(_steps(len(self), PAGE_LEAVES))
        if known is not None:
            digest = hashlib.sha256()
            for page in pages:
                digest.update(self._entries(*page).data)
            if digest.digest() == known:
                return True
        return levels.root(self.digests(*page) for page in pages) == self.root

    def _entries(self, start: int, stop: int) -> NDArray[np.void]:
        if not self._files:
            raise ValueError(f"{self.path} is closed")
        data = os.pread(self._files[1], INDEX_ENTRY.size * (stop - start), INDEX_ENTRY.size * start)
        return np.frombuffer(data, ENTRIES)

    def _entry(self, index: int) -> tuple[int, bytes]:
        check_index(index, len(self))
        if not self._files:
            raise ValueError(f"{self.path} is closed")
        offset, digest = INDEX_ENTRY.unpack(os.pread(self._files[1], INDEX_ENTRY.size, index * INDEX_ENTRY.size))
        return offset, digest


def _take(data: Bytes, entries: NDArray[np.void], out: Bytes) -> bool:
    """See `leaf_lanes.take`."""
    lanes = compiled.module("fedprotocol.car.leaf_lanes")
    if lanes is not None:
        return bool(lanes.take(data, entries.view(np.uint8).reshape(len(entries), -1), out))
    places, size = entries["offset"].astype(np.int64), out.shape[1]
    places -= places[0]
    if places.min() < 0 or places.max() > len(data) - size:
        return False
    every_block = as_strided(data, (len(data) - size + 1, size), (1, 1))
    out[...] = every_block[places]
    return levels.digests(out.reshape(-1).data, size) == entries["digest"].tobytes()


def _steps(count: int, size: int) -> Iterator[tuple[int, int]]:
    """Start and stop of each step of at most `size`, `count` in all."""
    for at in range(0, count, size):
        yield at, min(at + size, count)

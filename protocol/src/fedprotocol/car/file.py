"""A CAR on disk that was verified, and is read leaf by leaf."""

import os
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from fedprotocol import compiled, levels, tree
from fedprotocol.car.errors import BadLength, WrongBlock
from fedprotocol.leaves import check_index, check_window
from fedprotocol.many_sha256 import digests_at
from fedprotocol.tree import TreeShape

INDEX_ENTRY = struct.Struct(">Q32s")
"""An index has one entry per leaf: the offset of its bytes in the CAR, and its digest."""

PAGE_LEAVES = 2048
"""How many entries of an index are read at once."""

READ_BYTES = 1 << 19
"""How many bytes of leaves are read at once."""

_ENTRY = np.dtype([("offset", ">u8"), ("digest", "V32")])


class CarFile:
    """A CAR that `read_car` has verified, read leaf by leaf from disk through its index; nothing of it stays in memory.

    Every read is checked again: the index against the root and one leaf when it is opened, then each leaf. Raises a
    CarError if a file was changed since it was verified. If a leaf that is read has changed, `on_damage` is called with
    this file before the error is raised. Safe to share between threads; close it, or use it as a context
    manager.
    """

    def __init__(
        self,
        car: Path,
        index: Path,
        root: bytes,
        shape: TreeShape,
        on_damage: Callable[["CarFile"], None] = lambda _: None,
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
            pages = (self.digests(*page) for page in _steps(shape.leaf_count, PAGE_LEAVES))
            if levels.root(pages) != root:
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

    def window(self, start: int, stop: int) -> bytes:
        check_window(start, stop, len(self))
        return b"".join(self._some(*some) for some in _steps(stop - start, self._at_once, start))

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

    @property
    def _at_once(self) -> int:
        """How many leaves are read at once."""
        return max(1, READ_BYTES // self.shape.leaf_bytes)

    def _some(self, start: int, stop: int) -> bytes:
        """A few leaves, by a single read where they stand one behind the other."""
        entries, size = self._entries(start, stop), self.shape.leaf_bytes
        offsets = entries["offset"].astype(np.int64)
        first, length = int(offsets[0]), int(offsets[-1] - offsets[0]) + size
        if (np.diff(offsets) < size).any() or length > 2 * READ_BYTES + size:  # some of them occur more than once
            return b"".join(self[index] for index in range(start, stop))
        data = os.pread(self._files[0], length, first)
        offsets -= first
        if len(data) < length or digests_at(data, offsets, size) != entries["digest"].tobytes():
            return b"".join(self[index] for index in range(start, stop))  # which names the leaf that is damaged
        every_block = as_strided(np.frombuffer(data, np.uint8), (length - size + 1, size), (1, 1))
        return every_block[offsets].tobytes()

    def _entries(self, start: int, stop: int) -> NDArray[np.void]:
        if not self._files:
            raise ValueError(f"{self.path} is closed")
        data = os.pread(self._files[1], INDEX_ENTRY.size * (stop - start), INDEX_ENTRY.size * start)
        return np.frombuffer(data, _ENTRY)

    def _entry(self, index: int) -> tuple[int, bytes]:
        check_index(index, len(self))
        if not self._files:
            raise ValueError(f"{self.path} is closed")
        offset, digest = INDEX_ENTRY.unpack(os.pread(self._files[1], INDEX_ENTRY.size, index * INDEX_ENTRY.size))
        return offset, digest


def _steps(count: int, size: int, start: int = 0) -> Iterator[tuple[int, int]]:
    """Start and stop of each step of at most `size`, `count` in all."""
    for at in range(start, start + count, size):
        yield at, min(at + size, start + count)

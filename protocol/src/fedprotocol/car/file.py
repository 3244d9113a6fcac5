"""A CAR on disk that was verified, and is read leaf by leaf."""

import os
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from fedprotocol import tree
from fedprotocol.car.errors import BadLength, WrongBlock
from fedprotocol.leaves import check_index
from fedprotocol.tree import TreeShape

INDEX_ENTRY = struct.Struct(">Q32s")
"""An index has one entry per leaf: the offset of its bytes in the CAR, and its digest."""


class CarFile:
    """A CAR that `read_car` has verified, read leaf by leaf from disk through its index; nothing of it stays in memory.

    Every read is checked again: the index against the root and one leaf when it is opened, then each leaf. Raises a
    CarError if a file was changed since it was verified. If a leaf that is read has changed, `on_damage` is called with
    this file before the error is raised. Safe to share between threads; close it, or use it as a context manager.
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
            if tree.root(self._digests()) != root:
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

    def _digests(self) -> Iterator[bytes]:
        """All digests, read a page at a time."""
        size = INDEX_ENTRY.size * tree.PAGE_LEAVES
        for at in range(0, INDEX_ENTRY.size * len(self), size):
            page = os.pread(self._files[1], size, at)
            for start in range(0, len(page), INDEX_ENTRY.size):
                yield page[start + 8 : start + INDEX_ENTRY.size]

    def _entry(self, index: int) -> tuple[int, bytes]:
        check_index(index, len(self))
        if not self._files:
            raise ValueError(f"{self.path} is closed")
        offset, digest = INDEX_ENTRY.unpack(os.pread(self._files[1], INDEX_ENTRY.size, index * INDEX_ENTRY.size))
        return offset, digest

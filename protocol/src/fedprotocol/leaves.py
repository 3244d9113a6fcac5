"""The interface through which all code reads a tree, wherever its leaves are, and its implementation with leaves in
memory."""

from collections.abc import Sequence
from typing import Protocol

from fedprotocol import tree
from fedprotocol.tree import TreeShape


class Leaves(Protocol):
    """Random access to the leaves of a tree that is known to be whole."""

    @property
    def root(self) -> bytes: ...

    @property
    def shape(self) -> TreeShape: ...

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> bytes:
        """The bytes of one leaf. Raises IndexError outside 0 .. len - 1."""
        ...

    def digest(self, index: int) -> bytes:
        """sha2-256 of one leaf."""
        ...

    def window(self, start: int, stop: int) -> bytes | memoryview:
        """The bytes of the leaves from `start` to before `stop`, one after the other. Raises IndexError."""
        ...

    def digests(self, start: int, stop: int) -> bytes:
        """Their digests, 32 bytes each. Raises IndexError."""
        ...


class MemoryLeaves:
    """A tree made from leaves in memory. Raises TreeError on fewer than two or on unequal lengths."""

    def __init__(self, leaves: Sequence[bytes]) -> None:
        self._leaves = list(leaves)
        self.shape = TreeShape(len(self._leaves), len(self._leaves[0]) if self._leaves else 0)
        if any(len(leaf) != self.shape.leaf_bytes for leaf in self._leaves):
            raise tree.TreeError(f"leaves differ in length; all must have {self.shape.leaf_bytes} bytes")
        self._digests = [tree.leaf_digest(leaf) for leaf in self._leaves]
        self.root = tree.root(self._digests)

    def __len__(self) -> int:
        return len(self._leaves)

    def __getitem__(self, index: int) -> bytes:
        check_index(index, len(self))
        return self._leaves[index]

    def digest(self, index: int) -> bytes:
        check_index(index, len(self))
        return self._digests[index]

    def window(self, start: int, stop: int) -> bytes:
        check_window(start, stop, len(self))
        return b"".join(self._leaves[start:stop])

    def digests(self, start: int, stop: int) -> bytes:
        check_window(start, stop, len(self))
        return b"".join(self._digests[start:stop])


def check_index(index: int, count: int) -> None:
    """Raises IndexError if there is no leaf `index` among `count`."""
    if not 0 <= index < count:
        raise IndexError(f"there is no leaf {index} in a tree of {count}")


def check_window(start: int, stop: int, count: int) -> None:
    """Raises IndexError unless all leaves from `start` to before `stop`, if any, are among `count`."""
    if not 0 <= start <= stop <= count:
        raise IndexError(f"there are no leaves {start} to {stop - 1} in a tree of {count}")

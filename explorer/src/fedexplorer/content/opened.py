"""A tree of which every node is known: its leaves' digests, the nodes above them, and, unless nobody serves them, the
leaves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fedprotocol import tree
from fedprotocol.leaves import Leaves, check_index
from fedprotocol.tree import DIGEST_BYTES, TreeShape


@dataclass(frozen=True)
class Node:
    """A node of a tree: it stands over the leaves first … last, both included."""

    level: int
    index: int
    digest: bytes
    is_leaf: bool
    first: int
    last: int


@dataclass(frozen=True)
class Rung:
    """One step on the way from a leaf to the root: `own` and its neighbour `sibling` make `parent`.

    Args:
        sibling: None where there is no neighbour, and the node moves up unchanged.
        is_right: whether `own` is the right one of the two.
        block: the 83 bytes whose sha2-256 is the parent's digest; empty where the node moves up.
    """

    own: Node
    sibling: Node | None
    is_right: bool
    parent: Node
    block: bytes


class OpenTree:
    """All digests of a tree in memory, 64 bytes a leaf, and the leaves behind them. `leaves` is None if only the
    digests are known, as they are for every proposal from the chain's log."""

    def __init__(self, digests: Sequence[bytes], shape: TreeShape, leaves: Leaves | None) -> None:
        """Raises TreeError if there are no digests."""
        self._levels = [b"".join(level) for level in tree.levels(digests)]
        self.root = self._levels[-1]
        self.shape, self.leaves = shape, leaves

    @classmethod
    def of(cls, leaves: Leaves) -> OpenTree:
        """A tree that was verified."""
        return cls([leaves.digest(index) for index in range(len(leaves))], leaves.shape, leaves)

    def __len__(self) -> int:
        return self.shape.leaf_count

    @property
    def height(self) -> int:
        """The level of the root; leaves have level 0."""
        return len(self._levels) - 1

    def width(self, level: int) -> int:
        """How many nodes a level has."""
        return len(self._levels[level]) // DIGEST_BYTES

    def digest(self, index: int) -> bytes:
        """The digest of a leaf. Raises IndexError."""
        return self.node(0, index).digest

    def node(self, level: int, index: int) -> Node:
        """Raises IndexError if there is no such node."""
        check_index(level, len(self._levels))
        check_index(index, self.width(level))
        first = index << level
        last = min((index + 1) << level, len(self)) - 1
        digest = self._levels[level][index * DIGEST_BYTES : (index + 1) * DIGEST_BYTES]
        return Node(level, index, digest, tree.is_leaf(len(self), level, index), first, last)

    def children(self, node: Node) -> tuple[Node, ...]:
        """The two nodes below; one where it only moved up; none below a leaf of level 0."""
        if node.level == 0:
            return ()
        below = node.level - 1
        pair = range(2 * node.index, min(2 * node.index + 2, self.width(below)))
        return tuple(self.node(below, index) for index in pair)

    def path(self, index: int) -> list[bytes]:
        """The siblings from a leaf to the root, as a proof gives them."""
        return [rung.sibling.digest for rung in self.climb(index) if rung.sibling is not None]

    def climb(self, index: int) -> list[Rung]:
        """The whole way from a leaf to the root. Raises IndexError."""
        own, rungs = self.node(0, index), []
        while own.level < self.height:
            parent = self.node(own.level + 1, own.index >> 1)
            is_right = own.index % 2 == 1
            beside = own.index ^ 1
            sibling = self.node(own.level, beside) if beside < self.width(own.level) else None
            block = b""
            if sibling is not None:
                left, right = (sibling, own) if is_right else (own, sibling)
                block = tree.inner_node(left.digest, left.is_leaf, right.digest, right.is_leaf)
            rungs.append(Rung(own, sibling, is_right, parent, block))
            own = parent
        return rungs

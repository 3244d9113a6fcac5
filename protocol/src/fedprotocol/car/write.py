"""Writing a tree as a CAR."""

from __future__ import annotations

from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import BinaryIO

from fedprotocol import tree
from fedprotocol.car.format import CID_BYTES, header_of, varint
from fedprotocol.car.index import IndexWriter
from fedprotocol.car.part import Part
from fedprotocol.car.walk import named, walk
from fedprotocol.leaves import Leaves
from fedprotocol.subtrees import SubtreeDigests


def write_car(leaves: Leaves, out: BinaryIO, index: BinaryIO | None = None, part_bytes: int | None = None) -> None:
    """Write a tree as a CAR, and its index (one INDEX_ENTRY for each leaf). `part_bytes`: see `read_car`. The leaves
    are read by another thread, which makes the next part while one is written.

    Raises TreeError if the leaves do not hash to `leaves.root`.
    """
    digests = SubtreeDigests(leaves.digests, len(leaves))
    root = digests.of(0, len(leaves))
    if root != leaves.root:
        raise tree.TreeError(f"these leaves hash to {tree.cid(root)}, not to {tree.cid(leaves.root)}")
    entries = None if index is None else IndexWriter(index)
    with ThreadPoolExecutor(1, "car") as thread:
        walk(_Written(leaves, digests, out, thread), root, leaves.shape, entries, part_bytes)


class _Written:
    """The `Blocks` of a CAR that is made from leaves and written to `out`, header first."""

    def __init__(self, leaves: Leaves, digests: SubtreeDigests, out: BinaryIO, thread: Executor) -> None:
        self._leaves = leaves
        self._digests = digests
        self._out = out
        self._thread = thread
        self._begun: dict[tuple[int, int], Future[tuple[memoryview, bytes]]] = {}  # by first leaf and how many
        self._offset = out.write(header_of(leaves.root))

    def part(self, part: Part, digest: bytes, first: int) -> tuple[memoryview, bytes]:  # noqa: ARG002 - whose leaves are known
        """See `Blocks`. The next part is begun too: it is as large, unless leaves repeat or end."""
        size = 1 << part.depth
        self._begun = {key: made for key, made in self._begun.items() if key[0] >= first}
        for at in (first, first + size):
            if (at, size) not in self._begun and at + size <= len(self._leaves):
                self._begun[at, size] = self._thread.submit(self._made, part, at)
        return self._begun.pop((first, size)).result()

    def take(self, part: bytes | memoryview) -> int:
        offset = self._offset
        self._offset += self._out.write(part)
        return offset

    def block(self, digest: bytes, first: int, count: int) -> tuple[bytes, int]:
        block = self._leaf(first) if count == 1 else self._node(first, count)
        self.take(varint(CID_BYTES + len(block)) + tree.cid_bytes(digest, count == 1) + block)
        return block, self._offset - len(block)

    def _made(self, part: Part, first: int) -> tuple[memoryview, bytes]:
        stop = first + (1 << part.depth)
        digests = self._leaves.digests(first, stop)
        made = part.made(self._leaves.window(first, stop), digests)
        if made is None:
            raise _changed(first, stop)
        return made, digests

    def _node(self, first: int, count: int) -> bytes:
        left_count = tree.left_leaves(count)
        right_count = count - left_count
        left, right = self._digests.of(first, left_count), self._digests.of(first + left_count, right_count)
        return tree.inner_node(left, left_count == 1, right, right_count == 1)

    def _leaf(self, index: int) -> bytes:
        leaf = self._leaves[index]
        if tree.leaf_digest(leaf) != self._leaves.digest(index):
            raise _changed(index, index + 1)
        return leaf


def _changed(first: int, stop: int) -> tree.TreeError:
    return tree.TreeError(f"{named(first, stop - first)} or one below it has changed since the tree was made")

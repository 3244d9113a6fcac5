"""Writing a tree as a CAR."""

from typing import BinaryIO

from fedprotocol import levels, tree
from fedprotocol.car.format import CID_BYTES, header_of, varint
from fedprotocol.car.part import Part
from fedprotocol.car.walk import named, walk
from fedprotocol.leaves import Leaves
from fedprotocol.subtrees import SubtreeDigests


def write_car(leaves: Leaves, out: BinaryIO, index: BinaryIO | None = None, part_bytes: int | None = None) -> None:
    """Write a tree as a CAR, and its index (one INDEX_ENTRY for each leaf). `part_bytes`: see `read_car`.

    Raises TreeError if the leaves do not hash to `leaves.root`.
    """
    digests = SubtreeDigests(leaves.digests, len(leaves))
    root = digests.of(0, len(leaves))
    if root != leaves.root:
        raise tree.TreeError(f"these leaves hash to {tree.cid(root)}, not to {tree.cid(leaves.root)}")
    walk(_Written(leaves, digests, out), root, leaves.shape, index, part_bytes)


class _Written:
    """The `Blocks` of a CAR that is made from leaves and written to `out`, header first."""

    def __init__(self, leaves: Leaves, digests: SubtreeDigests, out: BinaryIO) -> None:
        self._leaves = leaves
        self._digests = digests
        self._out = out
        self._offset = out.write(header_of(leaves.root))

    def part(self, part: Part, digest: bytes, first: int) -> tuple[memoryview, bytes]:  # noqa: ARG002 - whose leaves are known
        stop = first + (1 << part.depth)
        grown = list(levels.grown(self._leaves.digests(first, stop)))
        return part.made(self._window(first, stop), grown), grown[0][0]

    def take(self, part: bytes | memoryview) -> int:
        offset = self._offset
        self._offset += self._out.write(part)
        return offset

    def block(self, digest: bytes, first: int, count: int) -> tuple[bytes, int]:
        block = self._window(first, first + 1) if count == 1 else self._node(first, count)
        self.take(varint(CID_BYTES + len(block)) + tree.cid_bytes(digest, count == 1) + block)
        return block, self._offset - len(block)

    def _node(self, first: int, count: int) -> bytes:
        left_count = tree.left_leaves(count)
        right_count = count - left_count
        left, right = self._digests.of(first, left_count), self._digests.of(first + left_count, right_count)
        return tree.inner_node(left, left_count == 1, right, right_count == 1)

    def _window(self, start: int, stop: int) -> bytes:
        data = self._leaves.window(start, stop)
        if levels.digests(data, self._leaves.shape.leaf_bytes) != self._leaves.digests(start, stop):
            raise tree.TreeError(f"{named(start, stop - start)} or one below it has changed since the tree was made")
        return data

"""Writing a tree as a CAR."""

from typing import BinaryIO

from fedprotocol import tree
from fedprotocol.car.format import CID_BYTES, header_of, varint
from fedprotocol.leaves import Leaves
from fedprotocol.seen_blocks import SeenBlocks
from fedprotocol.subtrees import SubtreeDigests


def write_car(leaves: Leaves, out: BinaryIO) -> None:
    """Write a tree as a CAR. Raises TreeError if the leaves do not hash to `leaves.root`."""
    digests = SubtreeDigests(leaves.digest, len(leaves))
    root = digests.of(0, len(leaves))
    if root != leaves.root:
        raise tree.TreeError(f"these leaves hash to {tree.cid(root)}, not to {tree.cid(leaves.root)}")
    out.write(header_of(root))
    todo = [(root, 0, len(leaves))]
    with SeenBlocks() as written:
        while todo:
            digest, first, count = todo.pop()
            if digest in written:
                continue
            if count == 1:
                block = leaves[first]
            else:
                left_count = tree.left_leaves(count)
                middle, right_count = first + left_count, count - left_count
                left, right = digests.of(first, left_count), digests.of(middle, right_count)
                block = tree.inner_node(left, left_count == 1, right, right_count == 1)
                todo += [(right, middle, right_count), (left, first, left_count)]
            written[digest] = b""
            out.write(varint(CID_BYTES + len(block)) + tree.cid_bytes(digest, count == 1) + block)

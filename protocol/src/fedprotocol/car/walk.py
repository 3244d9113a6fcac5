"""Goes through a tree as its CAR has it: depth first, from the left, each block only where it occurs first."""

from __future__ import annotations

from typing import Protocol

from fedprotocol import compiled, tree
from fedprotocol.car.errors import ForeignCodec, WrongBlock
from fedprotocol.car.format import AROUND
from fedprotocol.car.index import IndexWriter
from fedprotocol.car.part import Part, part_of
from fedprotocol.car.seen import COUNT, OFFSET, Seen
from fedprotocol.tree import TreeShape

PART_BYTES = 320 * 1024
"""Complete subtrees of up to this many bytes are taken at once: few enough for a processor's cache. What is compiled
holds neither copies nor the interpreter's lock, and takes six times as many."""


class Blocks(Protocol):
    """Where the blocks of a CAR come from, and where they go."""

    def part(self, part: Part, digest: bytes, first: int) -> tuple[bytes | memoryview, bytes] | None:
        """The subtree that begins with leaf `first`, and the digests of its leaves; None if something else comes next,
        because it is wrong or has blocks that came before. It is still to come afterwards."""
        ...

    def take(self, part: bytes | memoryview) -> int:
        """Write a part; returns its offset in the CAR."""
        ...

    def block(self, digest: bytes, first: int, count: int) -> tuple[bytes, int]:
        """Write the next block, which is over `count` leaves; returns its bytes, and their offset in the CAR. Raises
        the CarError that names what is wrong with it."""
        ...


def walk(
    blocks: Blocks, root: bytes, shape: TreeShape, index: IndexWriter | None, part_bytes: int | None = None
) -> None:
    """Take every block once, and write the entry of each leaf to `index`, if it is wanted. `part_bytes`: see
    `PART_BYTES`, which it is by default."""
    compiled.expect(shape.leaf_count * shape.leaf_bytes)
    if part_bytes is None:
        part_bytes = PART_BYTES * (6 if compiled.module("fedprotocol.car.part_lanes") else 1)
    todo = [(root, 0, shape.leaf_count)]
    with Seen(shape) as seen:
        while todo:  # leaves come from left to right, and so do their entries
            digest, first, count = todo.pop()
            found = seen.get(digest)
            is_part = count & (count - 1) == 0 and count > 1 and count * (shape.leaf_bytes + AROUND) <= part_bytes
            if found is None and is_part:
                part = part_of(count, shape.leaf_bytes)
                if _take_part(blocks, part, digest, first, seen, index):
                    continue
            if found is None and (is_part or (count == 1 and not seen.add_new(digest))):
                seen.take_apart()
                found = seen.get(digest)
            if found is None:
                block, offset = blocks.block(digest, first, count)
                found = seen.add(digest, count, OFFSET.pack(offset) if count == 1 else block)
            elif COUNT.unpack_from(found) != (count,):
                elsewhere = COUNT.unpack_from(found)[0]
                raise WrongBlock(f"{named(first, count)} is a block that is over {elsewhere} leaves elsewhere")
            if count > 1:
                (left, left_count), (right, right_count) = children(found[COUNT.size :], count, named(first, count))
                todo += [(right, first + left_count, right_count), (left, first, left_count)]
            elif index is not None:
                index.leaf(OFFSET.unpack(found[COUNT.size :])[0], digest)


def _take_part(blocks: Blocks, part: Part, digest: bytes, first: int, seen: Seen, index: IndexWriter | None) -> bool:
    """Take a whole part if it comes next, and all its blocks are new."""
    found = blocks.part(part, digest, first)
    if found is None or not seen.add_new(found[1]):
        return False
    offset = blocks.take(found[0])
    seen.add_part(offset, found[1])
    if index is not None:
        index.leaves(part.offsets + offset, found[1])
    return True


def children(node: bytes, leaf_count: int, where: str = "the node") -> tuple[tuple[bytes, int], tuple[bytes, int]]:
    """(digest, leaf count) of the two children of the node over `leaf_count` >= 2 leaves.

    The bytes must be exactly a node of that shape, or it raises ForeignCodec or WrongBlock, which name the node as
    `where`.
    """
    left_count = tree.left_leaves(leaf_count)
    right_count = leaf_count - left_count
    left, right = node[tree.LEFT], node[tree.RIGHT]
    if len(node) != tree.NODE_BYTES or node != tree.inner_node(left, left_count == 1, right, right_count == 1):
        if len(node) == tree.NODE_BYTES and not {node[7], node[48]} <= {tree.RAW, tree.DAG_CBOR}:
            raise ForeignCodec(f"{where} links a block that is not raw or dag-cbor")
        raise WrongBlock(f"{where} is not an inner node of a tree of this shape")
    return (left, left_count), (right, right_count)


def named(first: int, count: int) -> str:
    """The words for the block over `count` leaves from `first` on."""
    return f"leaf {first}" if count == 1 else f"the node over leaves {first} to {first + count - 1}"

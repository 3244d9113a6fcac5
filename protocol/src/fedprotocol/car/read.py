"""Reading a CAR of a known tree: every byte is verified before it is kept."""

from typing import BinaryIO

from fedprotocol.car.index import IndexWriter
from fedprotocol.car.sections import Sections
from fedprotocol.car.walk import walk
from fedprotocol.tree import TreeShape


def read_car(
    source: BinaryIO, root: bytes, shape: TreeShape, out: BinaryIO, index: BinaryIO, part_bytes: int | None = None
) -> bytes:
    """Copy a CAR from `source` to `out`, verifying it, and write its `index` (one INDEX_ENTRY for each leaf). Returns
    the SHA-256 of the index.

    Complete subtrees of at most `part_bytes` are verified at once, if no block in them came before; where that does not
    work out, block by block, as everything is with `part_bytes` 0. If it raises any error, `out` and `index` hold
    nothing that can be used. Raises the CarError that names what is wrong first; nothing is read beyond the part with
    the first wrong block.
    """
    sections = Sections(source, out, shape.leaf_bytes)
    sections.header(root)
    entries = IndexWriter(index)
    walk(sections, root, shape, entries, part_bytes)
    sections.end()
    return entries.digest

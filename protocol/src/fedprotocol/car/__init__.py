"""CAR v1 files that hold exactly one tree, depth first from the root. A block that occurs more than once in the tree is
there once.

That is what Kubo's `dag export` and trustless gateways write (https://ipld.io/specs/transport/car/carv1/). The reader
knows the root and the shape beforehand, so it knows which block must come next. It verifies while it copies, stops at
the first wrong byte, and never reads a block of an unexpected length. The memory that it needs does not grow with the
data or the number of leaves: an index is read and written piece by piece, and the blocks seen so far are remembered on
disk.
"""

from fedprotocol.car.errors import (
    BadHeader,
    BadLength,
    CarError,
    ExtraBlocks,
    ForeignCodec,
    Truncated,
    WrongBlock,
)
from fedprotocol.car.file import CarFile
from fedprotocol.car.index import INDEX_ENTRY
from fedprotocol.car.read import read_car
from fedprotocol.car.walk import children
from fedprotocol.car.write import write_car
from fedprotocol.leaves import Leaves, MemoryLeaves

__all__ = [
    "INDEX_ENTRY",
    "BadHeader",
    "BadLength",
    "CarError",
    "CarFile",
    "ExtraBlocks",
    "ForeignCodec",
    "Leaves",
    "MemoryLeaves",
    "Truncated",
    "WrongBlock",
    "children",
    "read_car",
    "write_car",
]

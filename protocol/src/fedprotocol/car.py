"""CAR v1 files that hold exactly one tree, depth first from the root, a repeated block once.

That is what Kubo's `dag export` and trustless gateways write (https://ipld.io/specs/transport/car/carv1/). The reader
knows root and shape beforehand, so it knows every block before it comes: it verifies while it copies, stops at the
first wrong byte, and never reads a block of a length it does not expect. Memory grows neither with the data nor with
the number of leaves: an index is read and written piece by piece, and blocks once seen are remembered on disk.
"""

import hashlib
import os
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from fedprotocol import tree
from fedprotocol.errors import FedError
from fedprotocol.leaves import Leaves, MemoryLeaves, check_index
from fedprotocol.seen_blocks import SeenBlocks
from fedprotocol.subtrees import SubtreeDigests
from fedprotocol.tree import TreeShape

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

INDEX_ENTRY = struct.Struct(">Q32s")
"""An index has one entry per leaf: the offset of its bytes in the CAR, and its digest."""

_OFFSET = struct.Struct(">Q")
_COUNT = struct.Struct(">I")
_CID_BYTES = 36
_MAX_HEADER = 1024
_MAX_VARINT = 9
_MAX_SECTION = 2 << 20  # the largest block that IPFS nodes exchange


class CarError(FedError):
    """Not a CAR of the expected tree."""


class BadHeader(CarError):
    """No CAR v1 header with exactly the expected root."""


class BadLength(CarError):
    """A length that is not the one of the block that must stand here."""


class ForeignCodec(CarError):
    """A block or link that is not raw or dag-cbor over sha2-256."""


class WrongBlock(CarError):
    """A block that does not belong here, or whose bytes do not hash to its CID."""


class Truncated(CarError):
    """The CAR ends before the tree does."""


class ExtraBlocks(CarError):
    """The CAR goes on after the tree is complete."""


class CarFile:
    """A CAR that `read_car` has verified, read leaf by leaf from disk through its index; nothing of it is in memory.

    Every read is checked again: the index against the root and one leaf when it is opened, then each leaf. Raises a
    CarError if a file was changed since; `on_damage` is called first, with this file, when a leaf that is read has
    changed. Safe to share between threads; close it, or use it as a context manager.
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
            self[0]  # leaves of another size have the same root; that is no damage
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
        """Bytes of the open CAR, which may have no name any more."""
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
        """All of them, read a page at a time."""
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


def write_car(leaves: Leaves, out: BinaryIO) -> None:
    """Write a tree as a CAR. Raises TreeError if the leaves do not hash to `leaves.root`."""
    digests = SubtreeDigests(leaves.digest, len(leaves))
    root = digests.of(0, len(leaves))
    if root != leaves.root:
        raise tree.TreeError(f"these leaves hash to {tree.cid(root)}, not to {tree.cid(leaves.root)}")
    out.write(_header(root))
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
            out.write(_varint(_CID_BYTES + len(block)) + tree.cid_bytes(digest, count == 1) + block)


def read_car(source: BinaryIO, root: bytes, shape: TreeShape, out: BinaryIO, index: BinaryIO) -> None:
    """Copy a CAR from `source` to `out`, verifying block by block, and write its `index` (one INDEX_ENTRY a leaf).

    Whatever it raises, what is in `out` and `index` is then worthless. Raises the CarError that names what is wrong;
    nothing is read beyond the first wrong block.
    """
    reader = _Reader(source, out)
    reader.header(root)
    todo = [(root, 0, shape.leaf_count)]
    with SeenBlocks() as seen:  # a leaf's offset, a node's bytes; both after the number of leaves
        while todo:  # leaves come from left to right, and so do their entries
            digest, first, count = todo.pop()
            where = f"leaf {first}" if count == 1 else f"the node over leaves {first} to {first + count - 1}"
            found = seen.get(digest)
            if found is None:
                size = shape.leaf_bytes if count == 1 else tree.NODE_BYTES
                block, offset = reader.block(digest, size, count == 1, where)
                found = _COUNT.pack(count) + (_OFFSET.pack(offset) if count == 1 else block)
                seen[digest] = found
            elif _COUNT.unpack_from(found) != (count,):
                raise WrongBlock(f"{where} is a block that is over {_COUNT.unpack_from(found)[0]} leaves elsewhere")
            if count == 1:
                index.write(found[_COUNT.size :] + digest)
            else:
                (left, left_count), (right, right_count) = children(found[_COUNT.size :], count, where)
                todo += [(right, first + left_count, right_count), (left, first, left_count)]
    reader.end()


def children(node: bytes, leaf_count: int, where: str = "the node") -> tuple[tuple[bytes, int], tuple[bytes, int]]:
    """(digest, leaf count) of the two children of the node over `leaf_count` >= 2 leaves.

    The bytes must be exactly a node of that shape: raises ForeignCodec or WrongBlock, which call it `where`.
    """
    left_count = tree.left_leaves(leaf_count)
    right_count = leaf_count - left_count
    left, right = node[10:42], node[51:83]
    if len(node) != tree.NODE_BYTES or node != tree.inner_node(left, left_count == 1, right, right_count == 1):
        if len(node) == tree.NODE_BYTES and not {node[7], node[48]} <= {tree.RAW, tree.DAG_CBOR}:
            raise ForeignCodec(f"{where} links a block that is not raw or dag-cbor")
        raise WrongBlock(f"{where} is not an inner node of a tree of this shape")
    return (left, left_count), (right, right_count)


class _Reader:
    """Reads sections of a known kind and copies what was verified."""

    def __init__(self, source: BinaryIO, out: BinaryIO) -> None:
        self._source = source
        self._out = out
        self._offset = 0

    def header(self, root: bytes) -> None:
        length, prefix = self._varint("the header")
        if not 0 < length <= _MAX_HEADER:
            raise BadLength(f"a CAR header of {length} bytes; this is not a CAR v1 file")
        header = self._read(length, "the end of the header")
        if prefix + header != _header(root):
            raise BadHeader(_what_header(header, root))
        self._write(prefix + header)

    def block(self, digest: bytes, size: int, raw: bool, where: str) -> tuple[bytes, int]:
        """The bytes of the one block that may stand here, and their offset in the CAR."""
        length, prefix = self._varint(where)
        if not _CID_BYTES <= length <= _MAX_SECTION:
            raise BadLength(f"a section of {length} bytes where {where} must stand; no block makes one")
        cid = self._read(_CID_BYTES, where)
        if cid[0] != 1 or cid[1] not in (tree.RAW, tree.DAG_CBOR) or cid[2:4] != tree.SHA2_256:
            raise ForeignCodec(
                f"a block where {where} must stand is not raw or dag-cbor over sha2-256 (CID {cid.hex()})"
            )
        if cid != tree.cid_bytes(digest, raw):
            raise WrongBlock(f"CID {cid.hex()} stands where {where} must, {tree.cid_bytes(digest, raw).hex()}")
        if length != _CID_BYTES + size:
            raise BadLength(f"{where} must have {size} bytes, its section says {length - _CID_BYTES}")
        block = self._read(size, where)
        if hashlib.sha256(block).digest() != digest:
            raise WrongBlock(f"the bytes of {where} do not hash to its CID")
        self._write(prefix + cid)
        offset = self._offset
        self._write(block)
        return block, offset

    def end(self) -> None:
        if self._source.read(1):
            raise ExtraBlocks("the CAR goes on after the last block of the tree")

    def _write(self, data: bytes) -> None:
        self._out.write(data)
        self._offset += len(data)

    def _read(self, size: int, where: str) -> bytes:
        data = bytearray()
        while len(data) < size:
            chunk = self._source.read(size - len(data))
            if not chunk:
                raise Truncated(f"the CAR ends within {where}")
            data += chunk
        return bytes(data)

    def _varint(self, where: str) -> tuple[int, bytes]:
        """An unsigned LEB128 of at most 9 bytes, as multiformats' unsigned-varint asks, and its bytes."""
        value, data = 0, b""
        while True:
            data += self._read(1, where)
            value |= (data[-1] & 0x7F) << (7 * (len(data) - 1))
            if data[-1] < 0x80:
                break
            if len(data) == _MAX_VARINT:
                raise BadLength(f"a length of more than {_MAX_VARINT} bytes where {where} must stand")
        if data != _varint(value):
            raise BadLength(f"a length that is not written in its shortest form where {where} must stand")
        return value, data


def _header(root: bytes) -> bytes:
    """Length and DAG-CBOR of {"roots": [root], "version": 1}."""
    header = b"\xa2\x65roots\x81" + tree.link(root, raw=False) + b"\x67version\x01"
    return _varint(len(header)) + header


def _what_header(header: bytes, root: bytes) -> str:
    start = b"\xa2\x65roots"
    if header == b"\xa1\x67version\x02":
        return "this is a CAR v2; only CAR v1 is read (`ipfs dag export` writes it)"
    if not header.startswith(start) or len(header) == len(start):
        return "this is not the header of a CAR v1"
    if header[len(start)] != 0x81:
        return f"the CAR must have exactly one root, {tree.cid(root)}"
    return f"the CAR does not have the one root {tree.cid(root)}"


def _varint(value: int) -> bytes:
    data = bytearray()
    while value >= 0x80:
        data.append(value & 0x7F | 0x80)
        value >>= 7
    data.append(value)
    return bytes(data)

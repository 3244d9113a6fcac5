"""CAR v1 files that hold exactly one tree, depth first from the root, a repeated block once.

That is what Kubo's `dag export` and trustless gateways write (https://ipld.io/specs/transport/car/carv1/). The reader
knows root and shape beforehand, so it knows every block before it comes: it verifies while it copies, stops at the
first wrong byte, and never reads a block of a length it does not expect. Memory is for an index, never for the data.
"""

import hashlib
import os
import struct
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Protocol, Self

from fedprotocol import tree
from fedprotocol.errors import FedError
from fedprotocol.tree import TreeShape

INDEX_ENTRY = struct.Struct(">Q32s")
"""An index has one entry per leaf: the offset of its bytes in the CAR, and its digest."""

_CID_BYTES = 36
_SHA2_256 = b"\x12\x20"
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
        _check_index(index, len(self))
        return self._leaves[index]

    def digest(self, index: int) -> bytes:
        _check_index(index, len(self))
        return self._digests[index]


class CarFile:
    """A CAR that `read_car` has verified, read leaf by leaf from disk through its index.

    Every read is checked again: the index against the root and one leaf when it is opened, then each leaf. Raises a
    CarError if a file was changed since. Safe to share between threads; close it, or use it as a context manager.
    """

    def __init__(self, car: Path, index: Path, root: bytes, shape: TreeShape) -> None:
        self.root = root
        self.shape = shape
        self.path = car
        self._files: list[int] = []
        try:
            self._files += [os.open(car, os.O_RDONLY)]
            self._files += [os.open(index, os.O_RDONLY)]
            if os.fstat(self._files[1]).st_size != INDEX_ENTRY.size * shape.leaf_count:
                raise BadLength(f"{index} is not the index of a tree of {shape.leaf_count} leaves")
            if tree.root([self.digest(i) for i in range(shape.leaf_count)]) != root:
                raise WrongBlock(f"{index} is not the index of {tree.cid(root)}")
            self[0]  # leaves of another size have the same root
        except BaseException:
            self.close()
            raise

    def __len__(self) -> int:
        return self.shape.leaf_count

    def __getitem__(self, index: int) -> bytes:
        offset, digest = self._entry(index)
        leaf = os.pread(self._files[0], self.shape.leaf_bytes, offset)
        if tree.leaf_digest(leaf) != digest:
            raise WrongBlock(
                f"leaf {index} of {self.path}, read as {self.shape.leaf_bytes} bytes, does not hash to its digest: "
                "another leaf size, or changed on disk"
            )
        return leaf

    def digest(self, index: int) -> bytes:
        return self._entry(index)[1]

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

    def _entry(self, index: int) -> tuple[int, bytes]:
        _check_index(index, len(self))
        if not self._files:
            raise ValueError(f"{self.path} is closed")
        offset, digest = INDEX_ENTRY.unpack(os.pread(self._files[1], INDEX_ENTRY.size, index * INDEX_ENTRY.size))
        return offset, digest


def write_car(leaves: Leaves, out: BinaryIO) -> None:
    """Write a tree as a CAR. Raises TreeError if the leaves do not hash to `leaves.root`."""
    count = len(leaves)
    levels = tree.levels([leaves.digest(i) for i in range(count)])
    if levels[-1][0] != leaves.root:
        raise tree.TreeError(f"these leaves hash to {tree.cid(levels[-1][0])}, not to {tree.cid(leaves.root)}")
    out.write(_header(leaves.root))
    written: set[bytes] = set()
    todo = [(len(levels) - 1, 0)]
    while todo:
        level, at = todo.pop()
        digest = levels[level][at]
        if digest in written:
            continue
        if tree.is_leaf(count, level, at):
            block, raw = leaves[at << level], True
        elif 2 * at + 1 == len(levels[level - 1]):  # promoted: the same node one level down
            todo.append((level - 1, 2 * at))
            continue
        else:
            below, left, right = levels[level - 1], 2 * at, 2 * at + 1
            left_raw, right_raw = tree.is_leaf(count, level - 1, left), tree.is_leaf(count, level - 1, right)
            block, raw = tree.inner_node(below[left], left_raw, below[right], right_raw), False
            todo += [(level - 1, right), (level - 1, left)]
        written.add(digest)
        out.write(_varint(_CID_BYTES + len(block)) + tree.cid_bytes(digest, raw) + block)


def read_car(source: BinaryIO, root: bytes, shape: TreeShape, out: BinaryIO, index: BinaryIO) -> None:
    """Copy a CAR from `source` to `out`, verifying block by block, and write its `index` (one INDEX_ENTRY a leaf).

    Whatever it raises, what is in `out` and `index` is then worthless. Raises the CarError that names what is wrong;
    nothing is read beyond the first wrong block.
    """
    reader = _Reader(source, out)
    reader.header(root)
    entries = bytearray(INDEX_ENTRY.size * shape.leaf_count)
    seen: dict[bytes, tuple[int, int]] = {}
    todo = [(root, 0, shape.leaf_count)]
    while todo:
        digest, first, count = todo.pop()
        if (earlier := seen.get(digest)) is not None and earlier[1] == count:
            size = INDEX_ENTRY.size
            entries[first * size : (first + count) * size] = entries[earlier[0] * size : (earlier[0] + count) * size]
            continue
        where = f"leaf {first}" if count == 1 else f"the node over leaves {first} to {first + count - 1}"
        block, offset = reader.block(digest, shape.leaf_bytes if count == 1 else tree.NODE_BYTES, count == 1, where)
        seen[digest] = (first, count)
        if count == 1:
            INDEX_ENTRY.pack_into(entries, first * INDEX_ENTRY.size, offset, digest)
        else:
            (left, left_count), (right, right_count) = children(block, count, where)
            todo += [(right, first + left_count, right_count), (left, first, left_count)]
    reader.end()
    index.write(entries)


def children(node: bytes, leaf_count: int, where: str = "the node") -> tuple[tuple[bytes, int], tuple[bytes, int]]:
    """(digest, leaf count) of the two children of the node over `leaf_count` >= 2 leaves.

    The bytes must be exactly a node of that shape: raises ForeignCodec or WrongBlock, which call it `where`.
    """
    left_count = 1 << ((leaf_count - 1).bit_length() - 1)  # pairing left to right fills the left side first
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
        if cid[0] != 1 or cid[1] not in (tree.RAW, tree.DAG_CBOR) or cid[2:4] != _SHA2_256:
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


def _check_index(index: int, count: int) -> None:
    if not 0 <= index < count:
        raise IndexError(f"there is no leaf {index} in a tree of {count}")

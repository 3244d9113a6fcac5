"""Reading a CAR of a known tree: every byte is verified before it is kept."""

import hashlib
import struct
from typing import BinaryIO

from fedprotocol import tree
from fedprotocol.car.errors import BadHeader, BadLength, ExtraBlocks, ForeignCodec, Truncated, WrongBlock
from fedprotocol.car.format import CID_BYTES, MAX_HEADER, MAX_SECTION, MAX_VARINT, header_of, varint
from fedprotocol.seen_blocks import SeenBlocks
from fedprotocol.tree import TreeShape

_OFFSET = struct.Struct(">Q")
_COUNT = struct.Struct(">I")


def read_car(source: BinaryIO, root: bytes, shape: TreeShape, out: BinaryIO, index: BinaryIO) -> None:
    """Copy a CAR from `source` to `out`, verifying block by block, and write its `index` (one INDEX_ENTRY for each
    leaf). If it raises any error, `out` and `index` hold nothing that can be used. Raises the CarError that names what
    is wrong; nothing is read beyond the first wrong block.
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

    The bytes must be exactly a node of that shape, or it raises ForeignCodec or WrongBlock, which name the node as
    `where`.
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
    """Reads sections whose content is known beforehand, and copies what was verified."""

    def __init__(self, source: BinaryIO, out: BinaryIO) -> None:
        self._source = source
        self._out = out
        self._offset = 0

    def header(self, root: bytes) -> None:
        length, prefix = self._varint("the header")
        if not 0 < length <= MAX_HEADER:
            raise BadLength(f"a CAR header of {length} bytes; this is not a CAR v1 file")
        header = self._read(length, "the end of the header")
        if prefix + header != header_of(root):
            raise BadHeader(_what_header(header, root))
        self._write(prefix + header)

    def block(self, digest: bytes, size: int, raw: bool, where: str) -> tuple[bytes, int]:
        """The bytes of the only block that may come here, and their offset in the CAR."""
        length, prefix = self._varint(where)
        if not CID_BYTES <= length <= MAX_SECTION:
            raise BadLength(f"a section of {length} bytes where {where} must stand; no block makes one")
        cid = self._read(CID_BYTES, where)
        if cid[0] != 1 or cid[1] not in (tree.RAW, tree.DAG_CBOR) or cid[2:4] != tree.SHA2_256:
            raise ForeignCodec(
                f"a block where {where} must stand is not raw or dag-cbor over sha2-256 (CID {cid.hex()})"
            )
        if cid != tree.cid_bytes(digest, raw):
            raise WrongBlock(f"CID {cid.hex()} stands where {where} must, {tree.cid_bytes(digest, raw).hex()}")
        if length != CID_BYTES + size:
            raise BadLength(f"{where} must have {size} bytes, its section says {length - CID_BYTES}")
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
            if len(data) == MAX_VARINT:
                raise BadLength(f"a length of more than {MAX_VARINT} bytes where {where} must stand")
        if data != varint(value):
            raise BadLength(f"a length that is not written in its shortest form where {where} must stand")
        return value, data


def _what_header(header: bytes, root: bytes) -> str:
    start = b"\xa2\x65roots"
    if header == b"\xa1\x67version\x02":
        return "this is a CAR v2; only CAR v1 is read (`ipfs dag export` writes it)"
    if not header.startswith(start) or len(header) == len(start):
        return "this is not the header of a CAR v1"
    if header[len(start)] != 0x81:
        return f"the CAR must have exactly one root, {tree.cid(root)}"
    return f"the CAR does not have the one root {tree.cid(root)}"

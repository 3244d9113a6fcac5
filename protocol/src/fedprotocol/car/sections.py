"""Reading a CAR section by section, where it is known beforehand what must come next."""

import hashlib
from typing import BinaryIO

from fedprotocol import tree
from fedprotocol.car.errors import BadHeader, BadLength, ExtraBlocks, ForeignCodec, Truncated, WrongBlock
from fedprotocol.car.format import CID_BYTES, MAX_HEADER, MAX_SECTION, MAX_VARINT, header_of, varint
from fedprotocol.car.part import Part
from fedprotocol.car.walk import named


class Sections:
    """The `Blocks` of a CAR that is read from `source`: what was verified is copied to `out`."""

    def __init__(self, source: BinaryIO, out: BinaryIO, leaf_bytes: int) -> None:
        self._source = source
        self._out = out
        self._leaf_bytes = leaf_bytes
        self._ahead = memoryview(b"")  # read, and not verified yet
        self._offset = 0

    def header(self, root: bytes) -> None:
        length, prefix = self._varint("the header")
        if not 0 < length <= MAX_HEADER:
            raise BadLength(f"a CAR header of {length} bytes; this is not a CAR v1 file")
        header = self._read(length, "the end of the header")
        if prefix + header != header_of(root):
            raise BadHeader(_what_header(header, root))
        self._write(prefix + header)

    def block(self, digest: bytes, first: int, count: int) -> tuple[bytes, int]:
        """Copy the only block that may come here; returns its bytes, and their offset in the CAR."""
        where, raw = named(first, count), count == 1
        size = self._leaf_bytes if raw else tree.NODE_BYTES
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
        if self._ahead or self._source.read(1):
            raise ExtraBlocks("the CAR goes on after the last block of the tree")

    def part(self, part: Part, digest: bytes, first: int) -> tuple[memoryview, bytes] | None:  # noqa: ARG002 - the root says which it is
        """See `Blocks`."""
        if not self._have(part.size):
            return None
        data = self._ahead[: part.size]
        leaves = part.verified(data, digest)
        return None if leaves is None else (data, leaves)

    def take(self, part: bytes | memoryview) -> int:
        """Copy a part, which was verified; returns its offset in the CAR."""
        offset, self._ahead = self._offset, self._ahead[len(part) :]
        self._write(part)
        return offset

    def _have(self, size: int) -> bool:
        """Read ahead until there are `size` bytes, or to the end."""
        pieces, missing = [self._ahead] if self._ahead else [], size - len(self._ahead)
        while missing > 0 and (chunk := self._source.read(missing)):
            pieces.append(memoryview(chunk))
            missing -= len(chunk)
        self._ahead = pieces[0] if len(pieces) == 1 else memoryview(b"".join(pieces))
        return missing <= 0

    def _write(self, data: bytes | memoryview) -> None:
        self._out.write(data)
        self._offset += len(data)

    def _read(self, size: int, where: str) -> bytes:
        data = bytearray(self._ahead[:size])
        self._ahead = self._ahead[size:]
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

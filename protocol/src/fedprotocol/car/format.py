"""The form of a CAR v1: lengths, and the header."""

from fedprotocol import tree

CID_BYTES = 36
MAX_HEADER = 1024
MAX_VARINT = 9
AROUND = 200
"""Bytes of a CAR for each leaf besides its own, at most: what its section has before them, and a node's section."""
MAX_SECTION = 2 << 20  # the largest block that IPFS nodes exchange


def varint(value: int) -> bytes:
    """Unsigned LEB128, as short as it can be."""
    data = bytearray()
    while value >= 0x80:
        data.append(value & 0x7F | 0x80)
        value >>= 7
    data.append(value)
    return bytes(data)


def header_of(root: bytes) -> bytes:
    """Length and DAG-CBOR of {"roots": [root], "version": 1}."""
    encoded = b"\xa2\x65roots\x81" + tree.link(root, raw=False) + b"\x67version\x01"
    return varint(len(encoded)) + encoded

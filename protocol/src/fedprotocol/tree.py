"""The Merkle tree that is an IPLD DAG: raw leaves, DAG-CBOR arrays of two links, sha2-256 throughout.

Formats: RFC 8949 (CBOR), the IPLD DAG-CBOR codec (links are tag 42), multiformats CIDv1. The root's 32-byte digest is
what the contract holds; `cid` spells it for IPFS. Digests are 32 raw bytes everywhere.
"""

import base64
import hashlib
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from fedprotocol.errors import FedError

RAW = 0x55
DAG_CBOR = 0x71
DIGEST_BYTES = 32
NODE_BYTES = 83
LEFT, RIGHT = slice(10, 42), slice(51, 83)
"""Where a node has the digests of its children."""

PAGE_LEAVES = 2048
MAX_LEAVES = 1 << 20

_CID_LETTERS = 59  # one letter for the base, then 36 bytes with five bits in each letter
SHA2_256 = b"\x12\x20"
_LINK = b"\xd8\x2a\x58\x25\x00"  # tag 42, a byte string of 37: the identity prefix 00, then a CIDv1


class TreeError(FedError):
    """Not a tree, path or CID of this federation."""


@dataclass(frozen=True)
class TreeShape:
    """Everything that determines a tree except its content."""

    leaf_count: int
    leaf_bytes: int

    def __post_init__(self) -> None:
        if not 2 <= self.leaf_count <= MAX_LEAVES or self.leaf_bytes < 1:
            raise TreeError(
                f"a tree has 2 to {MAX_LEAVES} leaves of at least one byte, not {self.leaf_count} of {self.leaf_bytes}"
            )


def leaf_digest(leaf: bytes) -> bytes:
    """sha2-256 of a leaf's bytes."""
    return hashlib.sha256(leaf).digest()


def inner_node(left: bytes, left_raw: bool, right: bytes, right_raw: bool) -> bytes:
    """The 83 bytes of the node that links two children; a child is raw exactly if its subtree is one leaf."""
    return b"\x82" + link(left, left_raw) + link(right, right_raw)


def levels(digests: Sequence[bytes]) -> list[list[bytes]]:
    """Every level's digests, leaves first, root last: node i of level l covers leaves [i * 2^l, (i + 1) * 2^l).

    A node left over at the end moves to the next level unchanged. Raises TreeError if there are no leaves, or a digest
    has the wrong length.
    """
    if not digests or any(len(digest) != DIGEST_BYTES for digest in digests):
        raise TreeError(f"a tree is built from at least one digest of {DIGEST_BYTES} bytes each")
    count = len(digests)
    result = [list(digests)]
    while len(result[-1]) > 1:
        below, level = result[-1], len(result) - 1
        above = [
            _parent(below[i], is_leaf(count, level, i), below[i + 1], is_leaf(count, level, i + 1))
            for i in range(0, len(below) - 1, 2)
        ]
        result.append(above + below[len(above) * 2 :])
    return result


def is_leaf(leaf_count: int, level: int, index: int) -> bool:
    """Whether node `index` of `level` is a single leaf, at its own level or moved up to this one."""
    return level == 0 or (index << level) == leaf_count - 1


def root(digests: Iterable[bytes]) -> bytes:
    """The root of a tree of at least two leaves, from an iterable of their digests. It needs O(log n) memory."""
    digest, leaf_count = join((digest, 1) for digest in digests)
    if leaf_count < 2:
        raise TreeError(f"a tree has at least two leaves, not {leaf_count}")
    return digest


def page_root(digests: Sequence[bytes]) -> bytes:
    """The root of the subtree over one page of at most 2,048 leaves (a page of one leaf is that leaf's digest)."""
    if len(digests) > PAGE_LEAVES:
        raise TreeError(f"a page has at most {PAGE_LEAVES} leaves, not {len(digests)}")
    return join((digest, 1) for digest in digests)[0]


def join(subtrees: Iterable[tuple[bytes, int]]) -> tuple[bytes, int]:
    """(digest, leaf count) of the tree over neighbouring subtrees, each given as (digest, leaf count). All except the
    last must have the same number of leaves, a power of two; the last has at most as many. Raises TreeError if there
    are none, or a digest has the wrong length.
    """
    complete: list[tuple[bytes, int]] = []  # subtrees that wait for their right neighbour, the largest first
    for digest, count in subtrees:
        if len(digest) != DIGEST_BYTES:
            raise TreeError(f"a digest has {DIGEST_BYTES} bytes, not {len(digest)}")
        node = (digest, count)
        while complete and complete[-1][1] == node[1]:
            node = _joined(complete.pop(), node)
        complete.append(node)
    if not complete:
        raise TreeError("a tree is built from at least one digest")
    while len(complete) > 1:  # the subtrees left over, moved up until they meet
        last = complete.pop()
        complete.append(_joined(complete.pop(), last))
    return complete[0]


def left_leaves(leaf_count: int) -> int:
    """How many of a node's leaves are under its left child, if it has at least two. Pairing fills the left side
    first."""
    return 1 << ((leaf_count - 1).bit_length() - 1)


def path(digests: Sequence[bytes], index: int) -> list[bytes]:
    """The siblings from leaf `index` up to the root, leaf level first; levels through which it moves up unchanged are
    left out."""
    if not 0 <= index < len(digests):
        raise TreeError(f"there is no leaf {index} in a tree of {len(digests)}")
    siblings = []
    for level in levels(digests)[:-1]:
        if index ^ 1 < len(level):
            siblings.append(level[index ^ 1])
        index >>= 1
    return siblings


def path_length(leaf_count: int, index: int) -> int:
    """How many siblings the path of leaf `index` has in a tree of `leaf_count`. Raises TreeError if there is no such
    leaf."""
    if not 0 <= index < leaf_count:
        raise TreeError(f"there is no leaf {index} in a tree of {leaf_count}")
    length, width = 0, leaf_count
    while width > 1:
        length += index ^ 1 < width
        index, width = index >> 1, (width + 1) >> 1
    return length


def root_from_path(leaf_count: int, index: int, digest: bytes, path: Sequence[bytes]) -> bytes:
    """The root that a leaf's digest and its path lead to; position and leaf count alone fix the codecs. Raises
    TreeError if the path has the wrong length for this position.
    """
    if not 0 <= index < leaf_count:
        raise TreeError(f"there is no leaf {index} in a tree of {leaf_count}")
    siblings, width, level = iter(path), leaf_count, 0
    wrong_length = TreeError(f"{len(path)} siblings are not the path of leaf {index} of {leaf_count}")
    while width > 1:
        if index ^ 1 < width:
            sibling = next(siblings, None)
            if sibling is None:
                raise wrong_length
            own = (digest, is_leaf(leaf_count, level, index))
            other = (sibling, is_leaf(leaf_count, level, index ^ 1))
            digest = _parent(*own, *other) if index % 2 == 0 else _parent(*other, *own)
        index, width, level = index >> 1, (width + 1) >> 1, level + 1
    if next(siblings, None) is not None:
        raise wrong_length
    return digest


def cid_bytes(digest: bytes, raw: bool) -> bytes:
    """The 36 bytes of a CIDv1 over sha2-256."""
    if len(digest) != DIGEST_BYTES:
        raise TreeError(f"a digest has {DIGEST_BYTES} bytes, not {len(digest)}")
    return bytes((1, RAW if raw else DAG_CBOR)) + SHA2_256 + digest


def link(digest: bytes, raw: bool) -> bytes:
    """The 41 bytes of a DAG-CBOR link."""
    return _LINK + cid_bytes(digest, raw)


def cid(root: bytes) -> str:
    """The CIDv1 (dag-cbor) of a tree's root, as text: `bafyrei…`."""
    return _text(cid_bytes(root, raw=False))


def raw_cid(digest: bytes) -> str:
    """The CIDv1 (raw) of a leaf or of the spec, as text: `bafkrei…`."""
    return _text(cid_bytes(digest, raw=True))


def parse_cid(text: str) -> tuple[int, bytes]:
    """(codec, digest) of a base32 CIDv1 over sha2-256 with codec raw or dag-cbor. Raises TreeError for any other
    CID."""
    data = b""
    if len(text) == _CID_LETTERS and text[0] == "b" and text == text.lower():
        with suppress(ValueError):
            data = base64.b32decode(text[1:].upper() + "=" * (-len(text[1:]) % 8))
    codec = data[1] if data else 0
    if codec not in (RAW, DAG_CBOR) or cid_bytes(data[-DIGEST_BYTES:], codec == RAW) != data or _text(data) != text:
        shown = text if len(text) <= _CID_LETTERS else f"{text[:_CID_LETTERS]}…"
        raise TreeError(f"{shown!r} is not a CIDv1 of this federation: base32, sha2-256, codec raw or dag-cbor")
    return codec, data[-DIGEST_BYTES:]


def _parent(left: bytes, left_raw: bool, right: bytes, right_raw: bool) -> bytes:
    return hashlib.sha256(inner_node(left, left_raw, right, right_raw)).digest()


def _joined(left: tuple[bytes, int], right: tuple[bytes, int]) -> tuple[bytes, int]:
    return _parent(left[0], left[1] == 1, right[0], right[1] == 1), left[1] + right[1]


def _text(cid: bytes) -> str:
    return "b" + base64.b32encode(cid).decode("ascii").rstrip("=").lower()

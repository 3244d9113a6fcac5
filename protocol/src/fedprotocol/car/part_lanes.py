"""Verifies a part of a CAR in one go, or makes it, compiled by numba. `part.Part` has the form, and the same in
NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types

from fedprotocol.compiled_sha256.blocks import BYTES, hash_blocks
from fedprotocol.tree import DIGEST_BYTES, LEFT, NODE_BYTES, RIGHT

_LEFT, _RIGHT = LEFT.start, RIGHT.start

_OUT = types.uint8[:, ::1]
_PLACES = types.int64[::1]
_PART = types.uint8[::1]
_FORM = types.Tuple((_PLACES, types.int64, BYTES, _PLACES, BYTES, BYTES, BYTES))
"""What a part of n leaves consists of: where its leaves begin, int64 [n]; bytes of a leaf; what a leaf's section has
before its digest, uint8; where its nodes begin, int64 [n - 1], level by level, the root last; what a node's section has
before its digest; a node over two leaves, and one over two nodes, uint8 [83], with zeros for their digests."""


@njit(types.boolean(BYTES, types.int64, BYTES, types.int64, types.int64), nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _alike(data: Any, at: Any, expected: Any, start: Any, stop: Any) -> Any:
    """Whether `data` has from `at` on what `expected` has from `start` to `stop`."""
    different = np.uint8(0)
    here, there = np.uint64(at), np.uint64(start)  # a signed index may be negative, and is asked whether it is
    for i in range(np.uint64(stop - start)):
        different |= data[here + i] ^ expected[there + i]
    return different == 0


@njit(types.boolean(BYTES, _PLACES, BYTES, _OUT, types.int64), nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _are_named(data: Any, places: Any, head: Any, digests: Any, first: Any) -> Any:
    """Whether each block stands behind the head of its section and its digest."""
    for i in range(len(places)):
        at = places[i] - DIGEST_BYTES
        if not _alike(data, at - len(head), head, 0, len(head)):
            return False
        if not _alike(data, at, digests[first + i], 0, DIGEST_BYTES):
            return False
    return True


@njit(types.boolean(BYTES, _PLACES, BYTES, _OUT, types.int64), nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _link(data: Any, places: Any, blank: Any, digests: Any, below: Any) -> Any:
    """Whether the nodes link their children, whose digests begin at `below`."""
    for i in range(len(places)):
        at = places[i]
        for start, stop in ((0, _LEFT), (_LEFT + DIGEST_BYTES, _RIGHT)):
            if not _alike(data, at + start, blank, start, stop):
                return False
        for child, side in ((2 * i, _LEFT), (2 * i + 1, _RIGHT)):
            if not _alike(data, at + side, digests[below + child], 0, DIGEST_BYTES):
                return False
    return True


@njit(types.boolean(BYTES, _FORM, _OUT), nogil=True, cache=True)  # type: ignore[untyped-decorator]
def verify(data: Any, form: Any, digests: Any) -> Any:
    """Whether `data` is a complete subtree: each section with the digest of its block, each node with its children.

    Args:
        data: uint8, the part.
        form: see `_FORM`, with n leaves.
        digests: uint8 [2n - 1, 32], is filled: of the leaves, then of the nodes.
    """
    leaves, leaf_bytes, leaf_head, nodes, node_head, pair, node = form
    count = len(leaves)
    hash_blocks(data, leaves, leaf_bytes, digests[:count])
    if not _are_named(data, leaves, leaf_head, digests, 0):
        return False
    below, first, width = 0, count, count // 2
    while width:
        places = nodes[first - count : first - count + width]
        hash_blocks(data, places, NODE_BYTES, digests[first : first + width])
        blank = pair if below == 0 else node
        if not (_are_named(data, places, node_head, digests, first) and _link(data, places, blank, digests, below)):
            return False
        below, first, width = first, first + width, width // 2
    return True


@njit(types.void(_PART, types.int64, BYTES), nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _put(part: Any, at: Any, content: Any) -> None:
    here = np.uint64(at)
    for i in range(np.uint64(len(content))):
        part[here + i] = content[i]


@njit(types.boolean(_PART, BYTES, _FORM, _OUT), nogil=True, cache=True)  # type: ignore[untyped-decorator]
def make(part: Any, content: Any, form: Any, digests: Any) -> Any:
    """Fill `part` with the complete subtree of the leaves in `content`, uint8 [n * leaf_bytes]. False, and it is of no
    use, unless they have the digests that `digests` begins with; those of the nodes are filled in. `form` is as for
    `verify`."""
    leaves, leaf_bytes, leaf_head, nodes, node_head, pair, node = form
    count = len(leaves)
    own = np.empty((count, DIGEST_BYTES), np.uint8)
    hash_blocks(content, np.arange(count) * leaf_bytes, leaf_bytes, own)
    for i in range(count):
        if not _alike(own[i], 0, digests[i], 0, DIGEST_BYTES):
            return False
        at = leaves[i]
        _put(part, at - DIGEST_BYTES - len(leaf_head), leaf_head)
        _put(part, at - DIGEST_BYTES, own[i])
        _put(part, at, content[i * leaf_bytes : (i + 1) * leaf_bytes])
    below, first, width = 0, count, count // 2
    while width:
        places = nodes[first - count : first - count + width]
        for i in range(width):
            _put(part, places[i], pair if below == 0 else node)
            _put(part, places[i] + _LEFT, digests[below + 2 * i])
            _put(part, places[i] + _RIGHT, digests[below + 2 * i + 1])
        hash_blocks(part, places, NODE_BYTES, digests[first : first + width])
        for i in range(width):
            _put(part, places[i] - DIGEST_BYTES - len(node_head), node_head)
            _put(part, places[i] - DIGEST_BYTES, digests[first + i])
        below, first, width = first, first + width, width // 2
    return True

"""A tree's levels, many nodes at once. The digests of a level stand one after the other in one byte string of 32 bytes
each; they are the same as `tree` computes one by one."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

import numpy as np

from fedprotocol import tree
from fedprotocol.many_sha256 import digests_at
from fedprotocol.tree import DIGEST_BYTES, LEFT, NODE_BYTES, RIGHT, TreeError

_BLANK = bytes(DIGEST_BYTES)
BLANK_NODES = {raw: np.frombuffer(tree.inner_node(_BLANK, raw, _BLANK, raw), np.uint8) for raw in (True, False)}
"""A node over two leaves (True), and one over two nodes, with zeros for the digests of its children: uint8 [83]."""


def digests(blocks: bytes | memoryview, size: int) -> bytes:
    """The digests of blocks of `size` bytes that stand one after the other."""
    return digests_at(blocks, np.arange(0, len(blocks), size), size)


def nodes(below: bytes, raw: bool) -> bytes:
    """The nodes of 83 bytes over each two neighbours of a level; all of these are leaves, or (without `raw`) none. A
    digest left over at the end has no node."""
    children = np.frombuffer(below, np.uint8).reshape(-1, DIGEST_BYTES)
    count = len(children) // 2
    made = np.empty((count, NODE_BYTES), np.uint8)
    made[...] = BLANK_NODES[raw]
    made[:, LEFT], made[:, RIGHT] = children[: 2 * count : 2], children[1 : 2 * count : 2]
    return made.tobytes()


def levels(leaves: bytes) -> list[bytes]:
    """Every level's digests, leaves first, root last, as `tree.levels`. Raises TreeError, as `grown`."""
    return [digests for digests, _ in grown(leaves)]


def grown(leaves: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Every level's digests, leaves first, root last, as `tree.levels`, and its nodes, of which leaves have none.
    Raises TreeError if there are no leaves, or the last digest is cut off."""
    if not leaves or len(leaves) % DIGEST_BYTES:
        raise TreeError(f"a tree is built from at least one digest of {DIGEST_BYTES} bytes each")
    leaf_count, level, below = len(leaves) // DIGEST_BYTES, 0, leaves
    yield leaves, b""
    while len(below) > DIGEST_BYTES:
        count = len(below) // DIGEST_BYTES
        made = nodes(below, raw=level == 0)
        if level and count % 2 == 0 and tree.is_leaf(leaf_count, level, count - 1):
            left, right = below[-2 * DIGEST_BYTES : -DIGEST_BYTES], below[-DIGEST_BYTES:]
            made = made[:-NODE_BYTES] + tree.inner_node(left, False, right, True)
        left_over = below[-DIGEST_BYTES:] if count % 2 else b""
        level, below = level + 1, digests(made, NODE_BYTES) + left_over
        yield below, made


def root(pages: Iterable[bytes]) -> bytes:
    """The root of a tree of at least two leaves, from the digests of its leaves. Each page has those of the same number
    of leaves, a power of two, and the last one the rest. It needs memory for one page. Raises TreeError, as
    `tree.root`."""
    digest, count = tree.join((_root(page), len(page) // DIGEST_BYTES) for page in pages)
    if count < 2:
        raise TreeError(f"a tree has at least two leaves, not {count}")
    return digest


def _root(page: bytes) -> bytes:
    return deque((digests for digests, _ in grown(page)), maxlen=1)[0]

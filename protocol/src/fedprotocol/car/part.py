"""A complete subtree as it stands in a CAR if none of its blocks occurs twice: depth first, so the place of a block is
the sum of one distance for each turn to the right on the way to it. All blocks of a level are one strided array."""

from __future__ import annotations

from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from fedprotocol import compiled, levels, tree
from fedprotocol.car.format import CID_BYTES, varint
from fedprotocol.many_sha256 import digests_at
from fedprotocol.tree import DIGEST_BYTES, NODE_BYTES

Bytes = NDArray[np.uint8]


class Part:
    """The form of a subtree of `2^depth` leaves of `leaf_bytes` bytes, depth at least 1."""

    def __init__(self, depth: int, leaf_bytes: int) -> None:
        self.depth = depth
        self.leaf_bytes = leaf_bytes
        self._heads = [_head(leaf_bytes, raw=True), _head(NODE_BYTES, raw=False)]  # of a leaf, of a node
        self._sections = [
            len(head) + DIGEST_BYTES + size for head, size in zip(self._heads, (leaf_bytes, NODE_BYTES), strict=True)
        ]
        self._sizes = [self._sections[0]]  # of the whole subtree at each level
        for _ in range(depth):
            self._sizes.append(self._sections[1] + 2 * self._sizes[-1])

    @property
    def size(self) -> int:
        """Bytes of the whole subtree."""
        return self._sizes[-1]

    @cached_property
    def offsets(self) -> NDArray[np.int64]:
        """Where the bytes of each leaf begin, from the beginning of the subtree."""
        return self._offsets(0)

    @cached_property
    def node_offsets(self) -> NDArray[np.int64]:
        """Where the bytes of each node begin, level by level."""
        return np.concatenate([self._offsets(level) for level in range(1, self.depth + 1)])

    def verified(self, data: memoryview, root: bytes) -> bytes | None:
        """The digests of all leaves, if `data` is the subtree with this root; else None."""
        lanes = compiled.module("fedprotocol.car.part_lanes")
        if lanes is None:
            grown = list(levels.grown(digests_at(data, self.offsets, self.leaf_bytes)))
            is_whole = grown[-1][0] == root and data == self._filled(self._leaves(data), grown)
            return grown[0][0] if is_whole else None
        digests = self._no_digests()
        is_whole = lanes.verify(np.frombuffer(data, np.uint8), self._form, digests)
        return digests[: 1 << self.depth].tobytes() if is_whole and digests[-1].tobytes() == root else None

    def made(self, leaves: bytes | memoryview, digests: bytes) -> memoryview | None:
        """The subtree with these leaves; None unless they have these digests."""
        lanes = compiled.module("fedprotocol.car.part_lanes")
        if lanes is None:
            has_them = levels.digests(leaves, self.leaf_bytes) == digests
            return self._filled(leaves, list(levels.grown(digests))) if has_them else None
        part, all_digests = np.empty(self.size, np.uint8), self._no_digests()
        all_digests[: 1 << self.depth] = np.frombuffer(digests, np.uint8).reshape(-1, DIGEST_BYTES)
        is_made = lanes.make(part, np.frombuffer(leaves, np.uint8), self._form, all_digests)
        return part.data if is_made else None

    @cached_property
    def _form(self) -> tuple[Any, ...]:
        """See `part_lanes._FORM`."""
        leaf_head, node_head = self._heads
        return self.offsets, self.leaf_bytes, leaf_head, self.node_offsets, node_head, *levels.BLANK_NODES.values()

    def _no_digests(self) -> Bytes:
        """Room for those of the leaves and the nodes."""
        return np.empty(((2 << self.depth) - 1, DIGEST_BYTES), np.uint8)

    def _filled(self, leaves: bytes | memoryview, grown: list[tuple[bytes, bytes]]) -> memoryview:
        """The subtree with these leaves. `grown`: its levels, as `levels.grown` gives them."""
        part = np.empty(self.size, np.uint8)
        for level, (own, nodes) in enumerate(grown):
            blocks = nodes if level else leaves
            sections, head = self._level(part, level), self._heads[min(level, 1)]
            sections[..., : len(head)] = head
            after = len(head) + DIGEST_BYTES
            _fill(sections[..., len(head) : after], own)
            _fill(sections[..., after:], blocks)
        return part.data

    def _leaves(self, part: memoryview) -> bytes:
        """The bytes of all leaves, one after the other, that stand where the leaves of a subtree do."""
        return self._level(np.frombuffer(part, np.uint8), 0)[..., -self.leaf_bytes :].tobytes()

    def _offsets(self, level: int) -> NDArray[np.int64]:
        turns, kind = self.depth - level, min(level, 1)
        places = np.array([turns * self._sections[1] + len(self._heads[kind]) + DIGEST_BYTES])
        for size in self._sizes[level : self.depth][::-1]:
            places = (places[:, np.newaxis] + (0, size)).reshape(-1)
        return places

    def _level(self, part: Bytes, level: int) -> Bytes:
        """The sections of a level, [2] for each turn on the way to it, then the bytes of a section."""
        turns = self.depth - level
        shape = (2,) * turns + (self._sections[min(level, 1)],)
        strides = (*self._sizes[self.depth - 1 : level - 1 if level else None : -1], 1)
        return as_strided(part[turns * self._sections[1] :], shape, strides)


@lru_cache(maxsize=16)
def part_of(leaf_count: int, leaf_bytes: int) -> Part:
    """The form of a subtree of `leaf_count` leaves, a power of two and at least 2."""
    return Part(leaf_count.bit_length() - 1, leaf_bytes)


def _fill(place: Bytes, content: bytes | memoryview) -> None:
    place[...] = np.frombuffer(content, np.uint8).reshape(place.shape)


def _head(size: int, raw: bool) -> Bytes:
    """What stands before the digest in the section of a block of `size` bytes."""
    head = varint(CID_BYTES + size) + tree.cid_bytes(bytes(DIGEST_BYTES), raw)[:-DIGEST_BYTES]
    return np.frombuffer(head, np.uint8)

"""The blocks of a CAR that were read so far, for a tree in which some occur more than once."""

from __future__ import annotations

import struct
import tempfile
from types import TracebackType
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from fedprotocol import compiled, levels
from fedprotocol.car.part import part_of
from fedprotocol.seen_blocks import SeenBlocks
from fedprotocol.tree import DIGEST_BYTES, NODE_BYTES, TreeShape

COUNT = struct.Struct(">I")
OFFSET = struct.Struct(">Q")

_PART = struct.Struct(">QI")  # where it begins in the CAR, and its leaves; their digests follow
_IN_MEMORY = 1 << 18


class Seen:
    """Remembers blocks one by one, and whole parts that are taken apart only if somebody asks for one of their blocks.

    What is found of a block begins with the number of leaves below it; then come a leaf's offset in the CAR, or the
    bytes of a node. For each leaf up to 24 bytes stay in memory, the rest is in temporary files once it is large. A
    context manager; raises OSError if the disk is full.
    """

    def __init__(self, shape: TreeShape) -> None:
        self._leaf_bytes = shape.leaf_bytes
        self._blocks = SeenBlocks()
        compiled_set = compiled.module("fedprotocol.car.key_set")
        self._leaves: _Keys = compiled_set.KeySet(shape.leaf_count) if compiled_set else _Runs()
        self._parts = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - closed by __exit__

    def get(self, digest: bytes) -> bytes | None:
        """What was found of a block outside of whole parts; None if it is none of those."""
        return self._blocks.get(digest)

    def add(self, digest: bytes, leaf_count: int, found: bytes) -> bytes:
        """Remember one block, and return what will be found of it."""
        self._blocks[digest] = noted = COUNT.pack(leaf_count) + found
        return noted

    def add_part(self, offset: int, leaves: bytes) -> None:
        """Remember the part that begins at `offset`, by the digests of its leaves."""
        self._parts.write(_PART.pack(offset, len(leaves) // DIGEST_BYTES) + leaves)

    def add_new(self, leaves: bytes) -> bool:
        """Remember the digests of these leaves if they differ from each other and from all so far. Returns whether they
        do."""
        return self._leaves.add_new(leaves)

    def take_apart(self) -> None:
        """Make the blocks of all parts known one by one."""
        self._parts.seek(0)
        while head := self._parts.read(_PART.size):
            offset, count = _PART.unpack(head)
            self._take_apart(offset, self._parts.read(count * DIGEST_BYTES))
        self._parts.seek(0)
        self._parts.truncate()

    def _take_apart(self, offset: int, leaves: bytes) -> None:
        places = part_of(len(leaves) // DIGEST_BYTES, self._leaf_bytes).offsets + offset
        for level, (digests, nodes) in enumerate(levels.grown(leaves)):
            for i, at in enumerate(range(0, len(digests), DIGEST_BYTES)):
                found = nodes[i * NODE_BYTES : (i + 1) * NODE_BYTES] or OFFSET.pack(int(places[i]))
                self._blocks[digests[at : at + DIGEST_BYTES]] = COUNT.pack(1 << level) + found

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._parts.close()
        self._blocks.__exit__(kind, error, trace)


class _Keys(Protocol):
    def add_new(self, digests: bytes) -> bool:
        """See `key_set.KeySet`."""
        ...


class _Runs:
    """`_Keys` in NumPy: the first eight bytes of each digest, in sorted runs of which none is much longer than the one
    before it."""

    def __init__(self) -> None:
        self._runs: list[NDArray[np.uint64]] = []
        self._unsorted: list[bytes] = []

    def add_new(self, digests: bytes) -> bool:
        keys = _sorted(digests)
        self._sort()
        is_new = not (keys[1:] == keys[:-1]).any() and not any(_meet(run, keys) for run in self._runs)
        if is_new:
            self._unsorted.append(digests)
        return bool(is_new)

    def _sort(self) -> None:
        if self._unsorted:
            self._runs.append(_sorted(b"".join(self._unsorted)))
            self._unsorted.clear()
        while len(self._runs) > 1 and len(self._runs[-1]) * 2 > len(self._runs[-2]):
            last = self._runs.pop()
            self._runs[-1] = np.sort(np.concatenate([self._runs[-1], last]))


def _sorted(digests: bytes) -> NDArray[np.uint64]:
    return np.sort(np.frombuffer(digests, np.uint64)[:: DIGEST_BYTES // 8])


def _meet(run: NDArray[np.uint64], keys: NDArray[np.uint64]) -> bool:
    places = run.searchsorted(keys)
    return bool((run[np.minimum(places, len(run) - 1)] == keys).any())

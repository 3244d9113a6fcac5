"""Checks leaves that were read from a CAR and puts them one behind the other, compiled by numba. `file.CarFile` does
the same in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types

from fedprotocol.car.index import INDEX_ENTRY
from fedprotocol.compiled_sha256.blocks import BYTES, hash_blocks
from fedprotocol.tree import DIGEST_BYTES

_OFFSET_BYTES = INDEX_ENTRY.size - DIGEST_BYTES

_ENTRIES = types.Array(types.uint8, 2, "C", readonly=True)
_LEAVES = types.uint8[:, ::1]


@njit(types.boolean(BYTES, _ENTRIES, _LEAVES), nogil=True, cache=True)  # type: ignore[untyped-decorator]
def take(data: Any, entries: Any, out: Any) -> Any:
    """Whether the leaves are what their entries say; then they are copied to `out`.

    Args:
        data: uint8 [any], a piece of a CAR that begins with the first of the leaves.
        entries: uint8 [n, 40], theirs in the index.
        out: uint8 [n, bytes of a leaf], is filled.
    """
    count, size = out.shape
    places = np.empty(count, np.int64)
    for i in range(count):
        offset = np.int64(0)
        for byte in range(_OFFSET_BYTES):
            offset = offset << 8 | np.int64(entries[i, byte])
        places[i] = offset
    first = places[0]
    for i in range(count):
        places[i] -= first
        if places[i] < 0 or places[i] > len(data) - size:
            return False
    digests = np.empty((count, DIGEST_BYTES), np.uint8)
    hash_blocks(data, places, size, digests)
    different = np.uint8(0)
    for i in range(count):
        for byte in range(DIGEST_BYTES):
            different |= digests[i, byte] ^ entries[i, _OFFSET_BYTES + byte]
    for i in range(count):
        at = np.uint64(places[i])
        for byte in range(np.uint64(size)):
            out[i, byte] = data[at + byte]
    return different == 0

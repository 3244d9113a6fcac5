"""A set of digests that only grows, by eight bytes of each: compiled by numba. `seen._Runs` does the same in NumPy.

The table has open addressing with linear probing (Knuth, TAOCP 3, 6.4, algorithm L), and its places follow from a
multiplier (Dietzfelbinger et al. 1997) that is drawn for each set: nobody can make leaves that all ask for one place.
"""

from __future__ import annotations

import secrets
from typing import Any

import numpy as np
from numba import njit, types

from fedprotocol.tree import DIGEST_BYTES

_KEYS = types.Array(types.uint64, 1, "A", readonly=True)


class KeySet:
    """Room for `most` digests, in 12 to 24 bytes for each."""

    def __init__(self, most: int) -> None:
        bits = (most + most // 2).bit_length()
        self._table = np.zeros(1 << bits, np.uint64)
        self._shift = np.uint64(64 - bits)
        self._multiplier = np.uint64(secrets.randbits(64) | 1)

    def add_new(self, digests: bytes) -> bool:
        """Add these digests if they differ from each other and from all that were added; else add none of them. They
        are taken to be alike if their first eight bytes are, by chance once in 2^64 pairs."""
        keys = np.frombuffer(digests, np.uint64)[:: DIGEST_BYTES // 8]
        return bool(add_new(self._table, self._shift, self._multiplier, keys))


@njit(types.boolean(types.uint64[::1], types.uint64, types.uint64, _KEYS), cache=True)  # type: ignore[untyped-decorator]
def add_new(table: Any, shift: Any, multiplier: Any, keys: Any) -> Any:
    """Add all keys to a table of 2^(64 - shift) places, of which 0 marks an empty one; false, and nothing is added, if
    one of them is there or comes twice."""
    last = np.uint64(len(table) - 1)
    taken = np.empty(len(keys), np.uint64)
    for i in range(len(keys)):
        key = max(keys[i], np.uint64(1))
        place = (key * multiplier) >> shift
        while table[place] != 0 and table[place] != key:
            place = (place + np.uint64(1)) & last
        if table[place] == key:
            for added in range(i):
                table[taken[added]] = 0
            return False
        table[place], taken[i] = key, place
    return True

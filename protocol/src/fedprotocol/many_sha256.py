"""The SHA-256 digests of many blocks of one length."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedprotocol import compiled
from fedprotocol.tree import DIGEST_BYTES

CHUNK = 64
"""Bytes that SHA-256 takes in at a time."""

_LENGTH = 8  # bytes of a block's length, at the very end


def digests_at(data: bytes | memoryview, offsets: NDArray[np.int64], size: int) -> bytes:
    """The digests of the blocks of `size` bytes at these offsets of `data`, 32 bytes each, one after the other.

    Raises ValueError if a block is not wholly within `data`.
    """
    if len(offsets) and not (offsets.min() >= 0 and int(offsets.max()) + size <= len(data)):
        raise ValueError(f"blocks of {size} bytes reach beyond the {len(data)} bytes of the data")
    lanes = compiled.module("fedprotocol.compiled_sha256.blocks")
    if lanes is None:
        view = memoryview(data)
        return b"".join([sha256(view[at : at + size]).digest() for at in offsets.tolist()])
    whole, out = np.frombuffer(data, np.uint8), np.empty((len(offsets), DIGEST_BYTES), np.uint8)
    lanes.hash_blocks(whole, offsets, size, ends(whole, offsets, size), out)
    return out.tobytes()


def ends(data: NDArray[np.uint8], offsets: NDArray[np.int64], size: int) -> NDArray[Any]:
    """What is hashed of each block after its last whole 64 bytes: the rest, a one, zeros, and the length in bits
    (FIPS 180-4, 5.1.1). One row for all, if there is no rest."""
    rest = size % CHUNK
    rows = np.zeros((len(offsets) if rest else 1, -(-(rest + 1 + _LENGTH) // CHUNK) * CHUNK), np.uint8)
    if rest:
        rows[:, :rest] = data[(offsets + size - rest)[:, np.newaxis] + np.arange(rest)]
    rows[:, rest] = 0x80
    rows[:, -_LENGTH:] = np.frombuffer((8 * size).to_bytes(_LENGTH, "big"), np.uint8)
    return rows

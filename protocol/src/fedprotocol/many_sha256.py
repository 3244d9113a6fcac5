"""The SHA-256 digests of many blocks of one length."""

from __future__ import annotations

from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from fedprotocol import compiled
from fedprotocol.tree import DIGEST_BYTES


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
    lanes.hash_blocks(whole, offsets, size, out)
    return out.tobytes()

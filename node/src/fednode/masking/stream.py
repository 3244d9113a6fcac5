"""The mask that a seed gives to each leaf: SHA-256 in counter mode, so that a chain could compute a leaf of it too."""

import hashlib
import struct
from functools import cache

import numpy as np
from numpy.typing import NDArray

_LABEL = b"fedq/leaf/v1"
_WORDS = 8  # uint32 in a block


def leaf_seed(seed: bytes, leaf: int) -> bytes:
    """t_l, 32 bytes: it opens one leaf's mask and no other."""
    return hashlib.sha256(_LABEL + seed + leaf.to_bytes(4, "big")).digest()


def leaf_mask(seed: bytes, leaf: int, leaf_values: int) -> NDArray[np.uint32]:
    """The mask of one leaf, uint32 [leaf_values]; `leaf_values` is a multiple of 8."""
    start, counters = hashlib.sha256(leaf_seed(seed, leaf)), _counters(leaf_values // _WORDS)
    blocks = []
    for counter in counters:
        block = start.copy()
        block.update(counter)
        blocks.append(block.digest())
    return np.frombuffer(b"".join(blocks), ">u4").astype(np.uint32)


@cache
def _counters(count: int) -> tuple[bytes, ...]:
    return tuple(struct.pack(">I", number) for number in range(count))

"""SHA-256 (FIPS 180-4) of many blocks of one size, compiled by numba for the processor it runs on.

Leaves and nodes are short: to call a library's function takes about as long as to hash one. Here, several blocks are
hashed at the same time, and the interpreter's lock is not held. How: `vectors`, or `instructions` where the processor
has them and its vectors are not wide enough to be faster. hashlib stays the reference.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import numpy as np
from numba import njit, types
from numba.core.registry import cpu_target

from fedprotocol.compiled_sha256 import instructions, vectors
from fedprotocol.compiled_sha256.constants import CHUNK, FIRST_STATE, LENGTH

# What numba compiles for, and keeps compiled code by.
*_, _FEATURES = cpu_target.target_context.codegen().magic_tuple()
KERNEL = instructions if "+sha," in f"{_FEATURES}," and "+avx512f" not in _FEATURES else vectors

_TAKE_IN, _LANES, _PLACES = KERNEL.take_in, KERNEL.LANES, KERNEL.PLACES
_FIRST_STATE = np.array(FIRST_STATE, np.uint32)

BYTES = types.Array(types.uint8, 1, "C", readonly=True)


@njit(types.void(BYTES, types.int64[::1], types.int64, types.uint8[:, ::1]), nogil=True, cache=True)  # type: ignore[untyped-decorator]
def hash_blocks(data: Any, offsets: Any, size: Any, out: Any) -> None:
    """The digests of blocks of the same size.

    Args:
        data: uint8 [any]; the blocks must be wholly within it.
        offsets: int64 [n], where each block begins.
        size: bytes of a block.
        out: uint8 [n, 32], is filled.
    """
    rest = size % CHUNK
    end = CHUNK if rest + 1 + LENGTH <= CHUNK else 2 * CHUNK
    ends = np.zeros((_LANES, end), np.uint8)  # the rest of each lane's block, and the padding
    for lane in range(_LANES):
        ends[lane, rest] = 0x80
        for byte in range(LENGTH):
            ends[lane, end - 1 - byte] = np.uint8((8 * size) >> (8 * byte) & 0xFF)
    state = np.empty(8 * _LANES, np.uint32)
    words = state.view(np.uint8)
    starts, tails = np.empty(_LANES, np.int64), np.empty(_LANES, np.int64)
    for lane in range(_LANES):
        tails[lane] = ends.ctypes.data + lane * end
    for first in range(0, len(offsets), _LANES):
        count = min(_LANES, len(offsets) - first)
        for lane in range(_LANES):
            for i in range(8):
                state[_PLACES[i, lane]] = _FIRST_STATE[i]
            offset = offsets[first + min(lane, count - 1)]
            starts[lane] = data.ctypes.data + offset
            for i in range(rest):
                ends[lane, i] = data[offset + size - rest + i]
        for at in range(0, size - CHUNK + 1, CHUNK):
            _TAKE_IN(state.ctypes.data, starts.ctypes.data, at)
        for at in range(0, end, CHUNK):
            _TAKE_IN(state.ctypes.data, tails.ctypes.data, at)
        for lane in range(count):
            for i in range(8):
                for byte in range(4):
                    out[first + lane, 4 * i + byte] = words[4 * _PLACES[i, lane] + 3 - byte]


def check() -> None:
    """Raises RuntimeError if the processor, LLVM or this module computes anything but SHA-256."""
    for size in (83, 64, 512, 61):
        data = np.random.default_rng(size).integers(0, 256, 2048, np.uint8)
        places, out = np.arange(0, 1024, 50, dtype=np.int64), np.empty((21, 32), np.uint8)
        hash_blocks(data, places, size, out)
        if out.tobytes() != b"".join([sha256(data[at : at + size].tobytes()).digest() for at in places]):
            raise RuntimeError("numba computes wrong digests on this machine: please report its processor")


check()

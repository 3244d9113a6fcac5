"""The loops of `weighted_sums` and `step`, compiled by numba: the same integers, from many values at once."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types

_SUMS = types.int64[::1]
_LOW, _HIGH = -(2**31), 2**31 - 1
_HALF, _SHIFT = np.uint64(2**15), np.uint64(16)


@njit(  # type: ignore[untyped-decorator]
    [
        types.void(_SUMS, types.Array(kind, 1, "C", readonly=True), types.int64)
        for kind in (types.int8, types.int16, types.int32)
    ],
    nogil=True,
    cache=True,
)
def add(sums: Any, mantissas: Any, factor: Any) -> None:
    """sums += mantissas * factor. int64 [n]; int8, int16 or int32 [n]."""
    for i in range(len(sums)):
        sums[i] += np.int64(mantissas[i]) * factor


@njit(types.boolean(_SUMS, types.int64, types.int64, _SUMS), nogil=True, cache=True)  # type: ignore[untyped-decorator]
def mean(sums: Any, total: Any, limit: Any, out: Any) -> Any:
    """out = R(sums, total), for a total below 2^32; false, and it is of no use, if one of the sums is beyond `limit` in
    magnitude, at most total * 2^30.

    A quotient below 2^30 from three roundings to 53 bits is less than one away from the exact one, so its integer part
    is right or off by one, which the remainder shows. Quotient and total of 32 bits let several be worked on at once.
    """
    inverse, divisor = 1.0 / np.float64(total), np.uint64(np.uint32(total))
    largest, smallest = np.int64(0), np.int64(0)
    for i in range(len(sums)):
        largest, smallest = max(largest, sums[i]), min(smallest, sums[i])
        magnitude = abs(sums[i])
        quotient = np.int32(np.float64(magnitude) * inverse)
        rest = magnitude - np.int64(np.uint64(np.uint32(quotient)) * divisor)
        quotient += np.int32(rest >= total) - np.int32(rest < 0)
        rest = magnitude - np.int64(np.uint64(np.uint32(quotient)) * divisor)
        quotient += np.int32(rest >= total - rest)
        out[i] = np.int64(quotient) if sums[i] >= 0 else -np.int64(quotient)
    return largest <= limit and smallest >= -limit


@njit(  # type: ignore[untyped-decorator]
    types.void(types.Array(types.int32, 1, "C", readonly=True), _SUMS, types.int64, types.int32[::1]),
    nogil=True,
    cache=True,
)
def step(weights: Any, means: Any, server_lr: Any, out: Any) -> None:
    """out = clamp(weights + R(means * server_lr, 2^16)), int32 [n]; the product may be as small as -2^63, which has no
    magnitude in int64."""
    for i in range(len(weights)):
        product = means[i] * server_lr
        magnitude = np.uint64(product if product >= 0 else -product)
        moved = np.int64((magnitude + _HALF) >> _SHIFT)
        value = np.int64(weights[i]) + (moved if product >= 0 else -moved)
        out[i] = min(max(value, _LOW), _HIGH)

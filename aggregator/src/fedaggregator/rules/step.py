"""The step that every rule takes from the prior weights: `clamp_int32(g + R(mean * server_lr, 2^16))`, with R as in
`docs/protocol.md`."""

from __future__ import annotations

import numpy as np
from fedprotocol import compiled
from fedprotocol.numbers import divide_round
from numpy.typing import NDArray

from fedaggregator.rules.weighted_sums import LOOPS

_INT32 = np.iinfo(np.int32)


def stepped(weights: NDArray[np.int32], mean: NDArray[np.int64], server_lr: int) -> NDArray[np.int32]:
    """The weights after a step of `server_lr * 2^-16` times `mean`.

    Args:
        weights: int32, any shape, units of 2^-24.
        mean: int64 in the same shape and units, from -2^46 to 2^46 - 1, so that nothing here leaves int64.
        server_lr: 1 .. 2^17, unit 2^-16.
    """
    loops = compiled.module(LOOPS)
    if loops is None:
        return clamped(weights + divide_round(mean * np.int64(server_lr), 2**16))
    result = np.empty(mean.shape, np.int32)
    both = (np.ascontiguousarray(values).reshape(-1) for values in (weights, mean))
    loops.step(*both, server_lr, result.reshape(-1))
    return result


def clamped(values: NDArray[np.int64]) -> NDArray[np.int32]:
    """What lies outside int32 becomes the nearest int32."""
    return values.clip(_INT32.min, _INT32.max).astype(np.int32)

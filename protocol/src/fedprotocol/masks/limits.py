"""How large the numbers of a private federation may be, and when a sum cannot come from honest updates.

A value is at most `bound` for each unit of weight. All weights together are at most 2^15 and so is the bound: every sum
lies within 2^30, and what is outside its own range is no sum of updates.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedprotocol.errors import FedError

MAX_SCALE = 15
"""A value counts steps of 2^scale units; the scale is at most this."""
MAX_BOUND = 1 << 15
"""The largest bound of a value, in steps, for each unit of weight."""
MAX_TOTAL_WEIGHT = 1 << 15
"""The largest weight of all clients together."""


class MasksError(FedError):
    """Numbers, keys or members that no private federation has."""


def max_weight(max_clients: int) -> int:
    """The largest weight of one client, so that `max_clients` of them stay within `MAX_TOTAL_WEIGHT`."""
    if not 0 < max_clients <= MAX_TOTAL_WEIGHT:
        raise MasksError(f"a private federation has 1 to {MAX_TOTAL_WEIGHT} clients, not {max_clients}")
    return MAX_TOTAL_WEIGHT // max_clients


def check_scale(scale: int, bound: int) -> None:
    """Raise MasksError unless `0 <= scale <= 15` and `1 <= bound <= 2^15`."""
    if not 0 <= scale <= MAX_SCALE:
        raise MasksError(f"a scale of {scale} is out of range: 0 to {MAX_SCALE}")
    if not 1 <= bound <= MAX_BOUND:
        raise MasksError(f"a bound of {bound} is out of range: 1 to {MAX_BOUND}")


def check_weight(weight: int) -> None:
    """Raise MasksError unless `1 <= weight <= 2^15`."""
    if not 1 <= weight <= MAX_TOTAL_WEIGHT:
        raise MasksError(f"a weight of {weight} is out of range: 1 to {MAX_TOTAL_WEIGHT}")


def out_of_range(sums: NDArray[np.uint32], total_weight: int, bound: int) -> NDArray[Any]:
    """Where the sums of all updates, read as int32, are larger than `total_weight * bound`: bool in their shape.

    One such value shows that somebody sent something else than a masked update.
    """
    check_weight(total_weight)
    check_scale(0, bound)
    if sums.dtype != np.uint32:
        raise MasksError(f"sums of masked updates are uint32, not {sums.dtype}")
    outside: NDArray[Any] = np.abs(sums.view(np.int32).astype(np.int64)) > total_weight * bound
    return outside

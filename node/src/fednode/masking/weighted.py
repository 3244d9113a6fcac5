"""A site's change as the integers that are summed: its weight goes in before rounding.

If the weight were multiplied in after rounding, divisors of a sum with public weights would tell the parts from one
another. Stochastic rounding: Gupta et al. 2015, as in `fedprotocol.numbers`.
"""

from dataclasses import dataclass

import numpy as np
from fedprotocol.masks.limits import MasksError, check_scale, check_weight
from numpy.typing import NDArray


@dataclass(frozen=True)
class WeightedDelta:
    """`values`: x, int32, each at most `weight * bound`. `clipped` counts those that were larger."""

    values: NDArray[np.int32]
    clipped: int


def weighted_delta(
    units: NDArray[np.float64], weight: int, scale: int, bound: int, rng: np.random.Generator
) -> WeightedDelta:
    """x = SR(weight * clip(units / 2^scale, -bound, bound)), whose expectation is what stands in SR's brackets.

    Raises:
        MasksError: NaN or infinities, or a weight, scale or bound out of range.
    """
    check_weight(weight)
    check_scale(scale, bound)
    if not np.isfinite(units).all():
        raise MasksError("the delta holds values that are NaN or infinite: training diverged; lower the learning rate")
    steps = np.ldexp(units, -scale)
    clipped = int(np.count_nonzero(np.abs(steps) > bound))
    scaled = weight * np.clip(steps, -bound, bound)
    floor = np.floor(scaled)
    floor += rng.random(scaled.shape) < scaled - floor
    return WeightedDelta(floor.astype(np.int32), clipped)

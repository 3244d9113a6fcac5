"""How much noise a site adds so that all its training together costs a wanted epsilon."""

from __future__ import annotations

from functools import cache

from fednode.differential_privacy.accountant import Cost, epsilon
from fedprotocol.errors import FedError

STEP = 0.01
"""Noise is a multiple of this: less noise would be within the budget by less than that."""
LEAST, MOST = 30, 10_000  # of such steps; below 0.3 a node's [privacy] refuses


class NoSuchNoise(FedError):
    """No noise that a node accepts gives this epsilon."""


def noise_for(wanted: float, delta: float, rate: float, steps: int) -> float:
    """The least noise multiplier, in hundredths, with which `steps` steps that draw each row with probability `rate`
    cost at most epsilon `wanted` at `delta`. Takes some seconds.

    Raises NoSuchNoise if even noise of 100 costs more, NoAccountant.
    """
    low, high = LEAST, LEAST
    while spent(high * STEP, delta, rate, steps) > wanted:
        low, high = high + 1, 2 * high
        if high > MOST:
            raise NoSuchNoise(f"epsilon = {wanted:g} needs noise above {MOST * STEP:g}: allow more, or make less steps")
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if spent(middle * STEP, delta, rate, steps) <= wanted else (middle + 1, high)
    return round(low * STEP, 2)


@cache
def spent(noise: float, delta: float, rate: float, steps: int) -> float:
    """Epsilon of all steps together, by the accountant of a site."""
    return epsilon([Cost(noise, rate, steps)], delta)

"""Noise and draws that follow from a seed, so that a cell can be computed again.

No site may train with these: whoever knows the seed takes the noise off. So they stand in the lab, which no node
imports, and a node's training takes its randomness from the operating system unless it is given another in the call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_DRAWS, _NOISE = 0xD4A3, 0x2015E


class SeededRandomness:
    """A `fednode.training.secret_randomness.Randomness` of one site in one round. The draws do not depend on how much
    noise was taken before."""

    def __init__(self, seed: int, round: int) -> None:
        self._draws = np.random.default_rng([seed, round, _DRAWS])
        self._noise = np.random.default_rng([seed, round, _NOISE])

    def normal(self, count: int) -> NDArray[np.float64]:
        """float64 [count] of the standard normal distribution."""
        return self._noise.standard_normal(count)

    def drawn(self, rows: int, rate: float) -> list[int]:
        """Indices below `rows` in ascending order, each there with probability `rate`."""
        found: list[int] = np.flatnonzero(self._draws.random(rows) < rate).tolist()
        return found

"""Randomness that nobody else can compute again: of the noise, and of which rows are drawn.

Both must be secret. Whoever knows the noise takes it off, and the books of differential privacy count on it that nobody
knows which rows were drawn. So neither follows from a seed: every bit comes from the operating system.
"""

from __future__ import annotations

import os
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

_WINDOW = 1 << 17  # normal values at a time, so that a large adapter needs little memory beside its gradient
_SUMMED = 4


class Randomness(Protocol):
    """What a private step draws."""

    def normal(self, count: int) -> NDArray[np.float64]:
        """`count` independent values of the standard normal distribution."""
        ...

    def drawn(self, rows: int, rate: float) -> list[int]:
        """Indices below `rows` in ascending order, each of them there with probability `rate`, independently."""
        ...


class SecretRandomness:
    """From the operating system's generator for keys."""

    def normal(self, count: int) -> NDArray[np.float64]:
        """Each value is half the sum of four: a sum tells nothing in its last digits about the floating-point numbers
        that it was made from. Holohan and Braghin 2021, "Secure Random Sampling in Differential Privacy"; Mironov 2012,
        "On Significance of the Least Significant Bits for Differential Privacy"."""
        values = np.empty(count)
        for at in range(0, count, _WINDOW):
            part = values[at : at + _WINDOW]
            part[:] = sum(_box_muller(part.size) for _ in range(_SUMMED)) / np.sqrt(_SUMMED)
        return values

    def drawn(self, rows: int, rate: float) -> list[int]:
        """It draws how many rows lie between one that is drawn and the next, a geometric number. So the work is that of
        the rows that are drawn, however many there are. Devroye 1986, "Non-Uniform Random Variate Generation", section
        X.2. `rate` is over 0."""
        if rate >= 1:
            return list(range(rows))
        found: list[int] = []
        last = -1
        while last < rows:
            at_once = min(_WINDOW, 16 + int((rows - last) * rate))
            places = last + np.cumsum(1 + _skipped(at_once, rate, rows))
            found += places[places < rows].tolist()
            last = int(places[-1])
        return found


def _skipped(count: int, rate: float, most: int) -> NDArray[np.int64]:
    """Geometric: how many times something that happens with probability `rate` does not, before it does; at `most`."""
    failures = np.floor(np.log1p(-_uniform(count)) / np.log1p(-rate))
    found: NDArray[np.int64] = np.minimum(failures, most).astype(np.int64)
    return found


def _uniform(count: int) -> NDArray[np.float64]:
    """Multiples of 2^-53 from 0 to below 1."""
    return (np.frombuffer(os.urandom(8 * count), np.uint64) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def _box_muller(count: int) -> NDArray[np.float64]:
    """Standard normal values. Box and Muller 1958, "A Note on the Generation of Random Normal Deviates"."""
    half = (count + 1) // 2
    radius = np.sqrt(-2.0 * np.log1p(-_uniform(half)))
    angle = 2.0 * np.pi * _uniform(half)
    return np.concatenate([radius * np.cos(angle), radius * np.sin(angle)])[:count]

"""What training changed, as the update that is published: within the spec's norm, in integers, cut into leaves."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from fedprotocol.car import MemoryLeaves
from fedprotocol.numbers import UNIT, encode_delta, split_leaves
from fedprotocol.spec import Spec

if TYPE_CHECKING:
    from numpy.typing import NDArray

WITHIN_BOUND = 0.999  # of the spec's bound on the norm: stochastic rounding adds a little


@dataclass(frozen=True)
class Update:
    """`leaves`: mantissas; a value is one of them times 2^`shift` units. `clipped` counts values that did not fit;
    `scaled`: the factor that brought the delta within the spec's norm, 1 if it was."""

    leaves: MemoryLeaves
    shift: int
    clipped: int
    scaled: float


def make_update(units: NDArray[np.float64], spec: Spec, seed: int, round: int) -> Update:
    """`units`: float64 [value_count], what training changed. The rounding's randomness follows from (seed, round).

    Raises NumbersError on NaN or infinities.
    """
    units, scaled = _within_bound(units, spec.bounds.max_norm)
    delta = encode_delta(units, spec.layout.mantissa_bits, np.random.default_rng([seed, round]))
    leaves = MemoryLeaves(split_leaves(delta.mantissas, spec.layout.leaf_values))
    return Update(leaves, delta.shift, delta.clipped, scaled)


def moved(start: NDArray[np.int32], delta: NDArray[np.float64]) -> NDArray[np.int32]:
    """`start` after a round of training alone: nearest units, at the limits of int32 where it left them."""
    limits = np.iinfo(np.int32)
    return np.clip(np.rint(start + delta), limits.min, limits.max).astype(np.int32)


def norm_units(squares: float) -> float:
    """L2 norm in real values of values' sum of squares, all in units of 2^-24."""
    return math.sqrt(squares) * UNIT


def _within_bound(units: NDArray[np.float64], bound: float | None) -> tuple[NDArray[np.float64], float]:
    norm = norm_units(float(np.dot(units, units)))
    if bound is None or norm <= WITHIN_BOUND * bound:
        return units, 1.0
    factor = WITHIN_BOUND * bound / norm
    return units * factor, factor

"""What training changed, as the update that is published: within the spec's bounds, in integers, cut into leaves."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from fedprotocol.car import MemoryLeaves
from fedprotocol.numbers import UNIT, EncodedDelta, encode_delta, split_leaves
from fedprotocol.spec import Spec

from fednode.training.types import NearlyNothing, TrainingError

if TYPE_CHECKING:
    from numpy.typing import NDArray

WITHIN_BOUND = 0.999  # of the spec's bound on the norm, where a delta has to be scaled
_TRIES = 16  # to scale it: rounding adds to the norm again what scaling took off, but less each time
_WINDOW = 1 << 18  # values squared at a time


@dataclass(frozen=True)
class Update:
    """`leaves`: mantissas; a value is one of them times 2^`shift` units.

    `clipped` counts values that did not fit the spec's largest shift; `scaled`: the factor that brought the delta
    within the spec's norm, 1 if it was. `norm` (L2) and `peak` (largest magnitude): of the values as they are
    published, real.
    """

    leaves: MemoryLeaves
    shift: int
    clipped: int
    scaled: float
    norm: float
    peak: float


def make_update(units: NDArray[np.float64], spec: Spec, seed: int, round: int) -> Update:
    """`units`: float64 [value_count], what training changed. The rounding's randomness follows from (seed, round).

    Raises NumbersError on NaN or infinities, NearlyNothing for a delta below the spec's floor.
    """
    bounds, bits, scaled = spec.bounds, spec.layout.mantissa_bits, 1.0
    units, clipped = _clipped(units, ((1 << (bits - 1)) - 1) << bounds.max_shift)
    for _ in range(_TRIES):
        delta = encode_delta(units if scaled == 1 else units * scaled, bits, np.random.default_rng([seed, round]))
        norm = _norm(delta)
        if norm <= bounds.max_norm:
            break
        scaled *= WITHIN_BOUND * bounds.max_norm / norm
    else:
        raise TrainingError(
            f"no update is within the spec's bound {bounds.max_norm:.4g} on the norm: values have steps of 2^-24"
        )
    require_enough(norm, spec)
    mantissas = delta.mantissas
    peak = (max(int(mantissas.max()), -int(mantissas.min())) << delta.shift) * UNIT
    leaves = MemoryLeaves(split_leaves(mantissas, spec.layout.leaf_values))
    return Update(leaves, delta.shift, clipped, scaled, norm, peak)


def require_enough(norm: float, spec: Spec) -> None:
    """Raise NearlyNothing if the L2 `norm`, in real values, is below the spec's floor."""
    if norm < spec.bounds.min_norm:
        raise NearlyNothing(
            f"what training changed has the norm {norm:.3g}, below the spec's floor of {spec.bounds.min_norm:.3g}: the "
            "other sites would refuse it as nearly nothing; look whether the training data are what they should be"
        )


def moved(start: NDArray[np.int32], delta: NDArray[np.float64]) -> NDArray[np.int32]:
    """`start` after a round of training alone: nearest units, at the limits of int32 where it left them."""
    limits = np.iinfo(np.int32)
    return np.clip(np.rint(start + delta), limits.min, limits.max).astype(np.int32)


def norm_units(squares: float) -> float:
    """L2 norm in real values of values' sum of squares, all in units of 2^-24."""
    return math.sqrt(squares) * UNIT


def _clipped(units: NDArray[np.float64], largest: int) -> tuple[NDArray[np.float64], int]:
    """Within plus and minus `largest`, and how many were not; NaN and infinities stay, for the encoding to refuse."""
    outside = int(np.count_nonzero(np.abs(units) > largest))
    if not outside or not np.isfinite(units).all():
        return units, 0
    return np.clip(units, -largest, largest), outside


def _norm(delta: EncodedDelta) -> float:
    """As an attester computes it, in integers."""
    squares = 0
    for at in range(0, delta.mantissas.size, _WINDOW):
        part = delta.mantissas[at : at + _WINDOW].astype(np.int64)
        squares += int(np.dot(part, part))
    return norm_units(squares << (2 * delta.shift))

"""How large an update may be."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from fedprotocol.numbers import SHIFT_LIMIT, UNIT
from fedprotocol.spec import Bounds, Spec

if TYPE_CHECKING:
    from numpy.typing import NDArray


def without_bounds(spec: Spec) -> Spec:
    """The spec with the widest bounds that its mantissas allow: a value may be up to 2^30 units, which is 64."""
    bits = spec.layout.mantissa_bits
    largest = (((1 << (bits - 1)) - 1) << (SHIFT_LIMIT - bits)) * UNIT
    widest = Bounds(
        max_shift=SHIFT_LIMIT - bits,
        max_norm=largest * math.sqrt(spec.layout.value_count),
        min_norm=UNIT,
    )
    return spec.model_copy(update={"bounds": widest})


def enlarged(units: NDArray[np.float64], spec: Spec, most: float = math.inf) -> NDArray[np.float64]:
    """`units`, float64 [value_count] in units of 2^-24, as many times larger as the spec's bound on the norm allows, at
    most `most` times, and never smaller than they are."""
    norm = float(np.linalg.norm(units)) * UNIT
    return units * max(1.0, min(most, spec.bounds.max_norm / norm)) if norm else units

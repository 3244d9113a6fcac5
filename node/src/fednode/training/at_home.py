"""What training changed, kept at home until the members of a masked round are fixed: within the spec's bound on the
norm, and not rounded, because the weight comes in before that."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from fedprotocol.files.private import private_folder
from fedprotocol.files.whole import PRIVATE, written_whole
from fedprotocol.numbers import UNIT
from fedprotocol.spec import Spec

from fednode.training.types import NotFinite
from fednode.training.update import require_enough

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Bounded:
    """`units`: float32 [value_count], in units of 2^-24. `scaled`: the factor that brought it within the spec's norm, 1
    if it was. `norm`: L2, in real values."""

    units: NDArray[np.float32]
    scaled: float
    norm: float


def bounded(units: NDArray[np.float64], spec: Spec) -> Bounded:
    """`units`: float64 [value_count], what training changed. Nobody else can check the norm of a masked update: each
    site keeps its own. Raises NotFinite, NearlyNothing."""
    if not np.isfinite(units).all():
        raise NotFinite("what training changed holds NaN or infinities: lower the learning rate")
    norm = float(np.linalg.norm(units)) * UNIT
    require_enough(norm, spec)
    scaled = min(1.0, spec.bounds.max_norm / norm)
    return Bounded((units * scaled).astype(np.float32), scaled, norm * scaled)


def keep(found: Bounded, path: Path) -> Path:
    """Write `found` into a file that only its owner can read, and wait until it is on the disk. Raises OSError."""
    private_folder(path.parent)
    with written_whole(path, PRIVATE) as file:
        np.save(file, found.units, allow_pickle=False)
    return path


def kept_units(path: Path) -> NDArray[np.float64]:
    """float64 [value_count]. Raises OSError, ValueError."""
    units: NDArray[np.float64] = np.load(path, allow_pickle=False).astype(np.float64)
    return units

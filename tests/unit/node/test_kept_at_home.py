"""What training changed is kept within the spec's norm, readable by its owner alone, and exactly as it was."""

from __future__ import annotations

import stat
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from fednode.training.at_home import bounded, keep, kept_units
from fednode.training.types import NearlyNothing, NotFinite
from fedprotocol.numbers import UNIT

UNITS = np.random.default_rng(5).normal(0, 1 << 20, 1000)
NORM = float(np.linalg.norm(UNITS)) * UNIT


def spec(max_norm: float, min_norm: float = 0.0) -> Any:
    return SimpleNamespace(bounds=SimpleNamespace(max_norm=max_norm, min_norm=min_norm))


def test_what_is_within_the_norm_stays_as_it_is(tmp_path: Path) -> None:
    found = bounded(UNITS, spec(2 * NORM))
    assert (found.scaled, found.norm) == (1.0, pytest.approx(NORM))
    path = keep(found, tmp_path / "updates/round_1.npy")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert kept_units(path).tolist() == UNITS.astype(np.float32).tolist()


def test_what_is_longer_is_scaled_to_it() -> None:
    found = bounded(UNITS, spec(NORM / 4))
    assert found.scaled == pytest.approx(1 / 4)
    assert np.linalg.norm(found.units) * UNIT == pytest.approx(NORM / 4) == pytest.approx(found.norm)
    assert found.units == pytest.approx(UNITS / 4, rel=1e-6)


def test_nothing_and_no_numbers_are_refused() -> None:
    with pytest.raises(NearlyNothing):
        bounded(UNITS, spec(2 * NORM, 1.5 * NORM))
    with pytest.raises(NotFinite):
        bounded(np.array([1.0, np.nan]), spec(1.0))

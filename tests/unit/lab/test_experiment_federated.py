"""What the sites of an experiment send."""

from __future__ import annotations

import numpy as np
import pytest
from fedlab.experiment.federated import car_bytes
from fedprotocol.car import MemoryLeaves
from fedprotocol.numbers import split_leaves
from fedprotocol.spec import Lora

pytestmark = pytest.mark.model

SMOLLM2 = [
    (f"layers.{layer}.{module}.lora_{factor}.weight", size)
    for layer in range(30)
    for module, factors in (("q_proj", {"A": 4608, "B": 4608}), ("v_proj", {"A": 4608, "B": 1536}))
    for factor, size in factors.items()
]


@pytest.mark.parametrize(("factors", "share"), [("both", 1.0), ("b", 0.47), ("alternating", 0.68)])
def test_the_frozen_half_is_sent_once(factors: str, share: float) -> None:
    """A leaf of zeros is one block, however often it stands in the tree. The second round: RoLoRA's B is frozen."""
    lora = Lora(r=8, alpha=16, dropout=0.0, target_modules=("q_proj", "v_proj"), factors=factors)
    rng = np.random.default_rng(1)
    parts = [rng.integers(-128, 128, size) * lora.trains(name, round=2) for name, size in SMOLLM2]
    sent = car_bytes(MemoryLeaves(split_leaves(np.concatenate(parts).astype(np.int8), 1024)))
    assert sent / (450 * (1024 + 39) + 449 * 122) == pytest.approx(share, abs=0.05)

"""What the sites of an experiment send, and where they begin."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from fedlab.experiment.federated import Round, car_bytes, in_floats, in_integers
from fedlab.experiment.members import Member, table
from fednode.data import Row
from fednode.training import AdapterModel
from fedprotocol.car import MemoryLeaves
from fedprotocol.numbers import split_leaves
from fedprotocol.spec import Lora
from support.tiny_model import colour_rows
from support.tiny_spec import tiny_spec

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


def test_floats_look_ahead_as_integers_do(tiny_folder: Path) -> None:
    spec, adapter = tiny_spec(tiny_folder, kind="fp32", steps=1, rounds=3, look_ahead=0.5)
    model = AdapterModel.load(spec, None, "cpu", 1)
    rows = [Row(row["prompt"], row["completion"], row["domain"]) for row in colour_rows(40)]
    members = {str(seed): Member(table(rows[seed::2]), seed) for seed in range(2)}

    def end(how: Callable[..., Iterator[Round]], share: float) -> np.ndarray:
        training = spec.training.model_copy(update={"look_ahead": share})
        *_, last = how(model, spec.model_copy(update={"training": training}), adapter.units, members)
        assert last.number == 3
        return model.values().astype(np.float64)

    ahead, floats, without = end(in_integers, 0.5), end(in_floats, 0.5), end(in_integers, 0.0)
    assert np.linalg.norm(ahead - floats) < 0.2 * np.linalg.norm(ahead - without)

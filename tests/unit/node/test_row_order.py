"""The rows that a seed means are those that torch and accelerate draw for it, however little of the order is made."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fednode.data import load_data
from fednode.data.encode import Example
from fednode.training import AdapterModel
from fednode.training.round_trainer import RoundTrainer
from fednode.training.row_order import permuted
from fednode.training.secret_randomness import SecretRandomness
from support.tiny_model import colour_rows, write_jsonl
from support.tiny_spec import tiny_spec
from transformers import Trainer

pytestmark = pytest.mark.model

Batches = list[list[Example]]


@pytest.mark.parametrize("rows", [1, 2, 3, 64, 625, 70_001])
@pytest.mark.parametrize("seed", [0, 7, 2**31 - 1, 2**31, 2**40 + 3, 2**64 - 1])
def test_the_order_is_that_of_torch(rows: int, seed: int) -> None:
    generator = torch.Generator()
    generator.manual_seed(seed)
    assert list(islice(permuted(rows, seed), 2000)) == torch.randperm(rows, generator=generator)[:2000].tolist()


def test_a_few_of_many_rows_cost_as_much_as_of_few() -> None:
    began = time.process_time()
    drawn = list(islice(permuted(2**27 - 1, 5), 1000))
    assert time.process_time() - began < 0.2, "torch takes seconds, and a GiB"
    assert len(set(drawn)) == 1000


def test_a_lot_of_many_rows_costs_what_it_holds() -> None:
    randomness, rows = SecretRandomness(), 10**9
    began = time.process_time()
    lots = [randomness.drawn(rows, 64 / rows) for _ in range(200)]
    assert time.process_time() - began < 0.5
    assert all(lot == sorted(set(lot)) and lot[-1] < rows for lot in lots)
    sizes, places = [len(lot) for lot in lots], np.concatenate(lots)
    assert np.mean(sizes) == pytest.approx(64, abs=3) and np.var(sizes) == pytest.approx(64, rel=0.5)
    assert np.mean(places) == pytest.approx(rows / 2, rel=0.03), "early and late rows alike"
    assert np.mean(places < rows // 10) == pytest.approx(0.1, abs=0.02)


@pytest.mark.parametrize(("rows", "settings"), [(100, {"steps": 3}), (7, {"steps": 5, "gradient_accumulation": 2})])
def test_batches_are_those_of_the_libraries_token_for_token(
    tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: int, settings: dict[str, Any]
) -> None:
    """Also of rows that are drawn several times over, in batches that go beyond the last row."""
    data = load_data(write_jsonl(tmp_path / "d.jsonl", colour_rows(rows)))
    spec, adapter = tiny_spec(tiny_folder, "fp32", batch_size=4, **settings)
    model = AdapterModel.load(spec, None, "cpu", 1)

    def batches() -> Batches:
        found: Batches = []
        made = type(model._batches).for_training.__get__(model._batches)
        monkeypatch.setattr(model._batches, "for_training", noting(found, made))
        model.set_global(adapter.units)
        for number in (1, 2):
            model.train(spec, data, number, seed=3)
        return found

    ours = batches()
    monkeypatch.setattr(RoundTrainer, "_get_train_sampler", Trainer._get_train_sampler)
    assert ours == batches()
    assert len(ours) >= 2 * settings["steps"]


class Many:
    """Thirty million rows, each made when it is asked for."""

    def __len__(self) -> int:
        return 30_000_000

    def __getitem__(self, index: int) -> dict[str, str]:
        return {"prompt": f"thing {index}", "completion": " red"}


def test_a_round_does_not_make_the_order_of_all_rows(tiny_folder: Path, tmp_path: Path) -> None:
    few = load_data(write_jsonl(tmp_path / "d.jsonl", colour_rows(20)))
    spec, adapter = tiny_spec(tiny_folder, "fp32", batch_size=2, steps=2)
    model = AdapterModel.load(spec, None, "cpu", 1)
    spent = []
    for data in (few, few, Many()):
        model.set_global(adapter.units)
        began = time.process_time()
        assert model.train(spec, data, 1, seed=3).drawn >= 4
        spent.append(time.process_time() - began)
    assert spent[2] < spent[1] + 0.3, "seconds of the processor; the order of all of them takes more than one"


def noting(
    found: Batches, collate: Callable[[Sequence[Example]], dict[str, Any]]
) -> Callable[[Sequence[Example]], dict[str, Any]]:
    def noted(examples: Sequence[Example]) -> dict[str, Any]:
        found.append(list(examples))
        return collate(examples)

    return noted

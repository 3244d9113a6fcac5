"""A node's own update within the bounds, and what is left to an attacker."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fedaggregator.rules.fedavg import RULE
from fednode.daemon.actions.content.update_checks import BadUpdate, check_update
from fednode.data import load_data
from fednode.training import AdapterModel, NearlyNothing
from fednode.training.update import Update, make_update
from fedprotocol.car import MemoryLeaves
from fedprotocol.numbers import UNIT, NumbersError, join_leaves, split_leaves
from fedprotocol.spec import Spec
from support.tiny_model import colour_rows, write_jsonl
from support.tiny_spec import tiny_spec

pytestmark = pytest.mark.model

SHAPES: dict[str, Callable[[np.random.Generator, int], np.ndarray]] = {
    "all alike": lambda _, n: np.ones(n),
    "as noise": lambda rng, n: rng.standard_normal(n),
    "one value alone": lambda rng, n: np.eye(1, n, n // 2)[0] + 1e-3 * rng.random(n),  # rounding doubles its norm
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return load_data(write_jsonl(tmp_path_factory.mktemp("data") / "train.jsonl", colour_rows(64)))


def mantissas(update: Update, spec: Spec) -> np.ndarray:
    leaves = [update.leaves[index] for index in range(len(update.leaves))]
    values: np.ndarray = join_leaves(leaves, spec.layout.mantissa_bits, spec.layout.value_count)
    return values


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("shape", SHAPES)
def test_an_update_is_brought_within_the_bounds(tiny_folder: Path, bits: int, shape: str) -> None:
    spec, _ = tiny_spec(tiny_folder, kind="fp32")
    spec = spec.model_copy(update={"layout": spec.layout.model_copy(update={"mantissa_bits": bits})})
    values = SHAPES[shape](np.random.default_rng(1), spec.layout.value_count)
    for times in (0.1, 1.0, 1e3, 1e9):
        for changes in ({}, {"max_shift": 24 - bits - 6}):
            bounds = spec.bounds.model_copy(update=changes)
            bounded = spec.model_copy(update={"bounds": bounds})
            units = values / np.linalg.norm(values) * times * bounds.max_norm / UNIT
            update = make_update(units, bounded, 0, 1)
            assert check_update(update.leaves, update.shift, bounded, 1) == update.norm <= bounds.max_norm
            decoded = mantissas(update, spec).astype(np.float64) * 2.0**update.shift * UNIT
            assert np.abs(decoded).max() == update.peak
            fits = (2 ** (bits - 1) - 1) << bounds.max_shift
            assert update.clipped == np.count_nonzero(np.abs(units) > fits)
            left = np.linalg.norm(np.clip(units, -fits, fits)) * UNIT
            assert update.scaled == 1 or left > 0.4 * bounds.max_norm
            assert update.scaled < 1 or left < 1.1 * bounds.max_norm


def test_what_is_not_finite_is_no_update(tiny_folder: Path) -> None:
    spec, _ = tiny_spec(tiny_folder, kind="fp32")
    for value in (math.nan, math.inf, -math.inf):
        units = np.ones(spec.layout.value_count)
        units[7] = value
        with pytest.raises(NumbersError, match="NaN or infinite"):
            make_update(units, spec, 0, 1)


def test_too_little_to_hand_in_is_said_before_a_commitment(tiny_folder: Path) -> None:
    spec, _ = tiny_spec(tiny_folder, kind="fp32")
    units = np.random.default_rng(1).standard_normal(spec.layout.value_count)
    units *= spec.bounds.min_norm / UNIT / np.linalg.norm(units)
    make_update(1.5 * units, spec, 0, 1)
    with pytest.raises(NearlyNothing, match=r"below the spec's floor .* nearly nothing"):
        make_update(0.5 * units, spec, 0, 1)


def test_a_free_riders_single_unit_and_the_largest_values_of_the_format_are_refused(tiny_folder: Path) -> None:
    spec, _ = tiny_spec(tiny_folder, kind="fp32")
    lazy = np.zeros(spec.layout.value_count, np.int8)
    lazy[0] = 1
    poison = np.full(spec.layout.value_count, 127, np.int8)
    for values, shift, said in ((lazy, 0, "nearly nothing"), (poison, 23, "shift 23 is above")):
        with pytest.raises(BadUpdate, match=said):
            check_update(MemoryLeaves(split_leaves(values, 256)), shift, spec, round=1)


@pytest.mark.parametrize("share", [1 / 301, 1 / 4])
def test_the_largest_update_that_gets_through_does_not_end_a_federation(
    tiny_folder: Path, data: Any, share: float
) -> None:
    """Every value goes as far as norm and shift let it, against what the honest sites move; training repairs it."""
    spec, adapter = tiny_spec(tiny_folder, kind="fp32")
    model = AdapterModel.load(spec, None, "cpu", 1)
    model.set_global(adapter.units)
    before = model.evaluate(spec, data).loss
    first = make_update(model.train(spec, data, 1, 0).units_delta, spec, 0, 1)
    honest = mantissas(first, spec)
    worst = make_update(-1e12 * np.where(honest < 0, -1.0, 1.0), spec, 0, 1)
    check_update(worst.leaves, worst.shift, spec, 1)
    total = 30_100
    heavy = round(total * share)
    sums = RULE.accumulate(None, honest[np.newaxis], total - heavy, first.shift)
    sums = RULE.accumulate(sums, mantissas(worst, spec)[np.newaxis], heavy, worst.shift)

    model.set_global(RULE.finish(sums, adapter.units[np.newaxis, np.newaxis], total, 1 << 16).ravel())
    poisoned = model.evaluate(spec, data).loss
    delta = model.train(spec, data, 2, 0).units_delta
    assert poisoned < 2 * before, "one client wrecks in one round what was there"
    assert model.evaluate(spec, data).loss < before
    make_update(delta, spec, 0, 2)

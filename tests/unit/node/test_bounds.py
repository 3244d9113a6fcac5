"""The bounds of an update: what training can reach in theory, and what it does reach."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fednode.daemon.actions.content.update_checks import check_update
from fednode.data import load_data
from fednode.sponsor.bounds import (
    MARGIN,
    RMSPROP_ALPHA,
    STEPS,
    ChosenBounds,
    NoBound,
    adam_steps,
    bounds_of,
    reach,
    shift_for,
)
from fednode.sponsor.new_spec import make
from fednode.training import AdapterModel
from fednode.training.factored_adam import FactoredAdamW
from fednode.training.look_ahead import ahead
from fednode.training.optimizers import FACTORED
from fednode.training.schedule import learning_rate
from fednode.training.update import make_update, moved
from fedprotocol.numbers import UNIT
from fedprotocol.spec import Bounds, Layout, Training, load_spec
from support import programs
from support.sites import choices, environment
from support.tiny_model import colour_rows, write_jsonl
from support.tiny_spec import LORA, tiny_spec

pytestmark = pytest.mark.model

RATE = 1e-2
VALUES = 200
MATRIX = (20, 10)  # the shape of as many values
OPTIMISERS: dict[str, Callable[[list[torch.nn.Parameter]], torch.optim.Optimizer]] = {
    "adamw_torch": lambda p: torch.optim.AdamW(p, RATE, (0.9, 0.999), 1e-8, 0.1),
    "adagrad": lambda p: torch.optim.Adagrad(p, RATE, weight_decay=0.1),
    "rmsprop": lambda p: torch.optim.RMSprop(p, RATE, RMSPROP_ALPHA, weight_decay=0.1),
    "sgd": lambda p: torch.optim.SGD(p, RATE, weight_decay=0.1),
    FACTORED: lambda p: FactoredAdamW(p, RATE, weight_decay=0.1),
}


def training(**changes: Any) -> Training:
    return choices().training.model_copy(update={"optimizer": "adamw_torch", "learning_rate": RATE, **changes})


def layout(bits: int = 8, **tensors: int) -> Layout:
    shapes = tuple({"name": name, "shape": (size,)} for name, size in (tensors or {"a": VALUES}).items())
    return Layout.model_validate({"tensors": shapes, "leaf_values": 32, "mantissa_bits": bits, "parts": 1})


def wild(steps: int, rng: np.random.Generator) -> np.ndarray:
    """Gradients of every size that stay away for long, as those of rare tokens: what moves a weight farthest."""
    sizes = 10.0 ** rng.integers(-12, 12, (steps, VALUES))
    gradients: np.ndarray = rng.standard_normal((steps, VALUES)) * sizes * (rng.random((steps, VALUES)) < 0.3)
    return gradients


@pytest.mark.parametrize("steps", [1, 2, 7, 60])
@pytest.mark.parametrize("name", OPTIMISERS)
def test_no_history_of_gradients_moves_a_value_farther(name: str, steps: int) -> None:
    """The optimisers themselves, with weight decay."""
    rng = np.random.default_rng(steps)
    start = rng.integers(-(2**20), 2**20, VALUES).astype(np.int32)
    of = training(optimizer=name, steps=steps, weight_decay=0.1, max_grad_norm=0.5)
    found = reach(of, LORA, layout(), 1 << 16, start)
    for _ in range(10):
        weights = torch.nn.Parameter(torch.from_numpy(start * UNIT).view(MATRIX))
        optimiser = OPTIMISERS[name]([weights])
        for gradient in wild(steps, rng):
            weights.grad = torch.from_numpy(gradient).view(MATRIX)
            torch.nn.utils.clip_grad_norm_([weights], of.max_grad_norm if name == "sgd" else math.inf)
            optimiser.step()
        change = weights.detach().numpy().ravel() - start * UNIT
        assert np.abs(change).max() <= found.value * (1 + 1e-12)
        assert np.linalg.norm(change) <= found.norm * (1 + 1e-12)


def test_the_bound_of_adam_is_no_larger_than_it_must_be() -> None:
    """The history for which Cauchy's and Schwarz's inequality is an equation at its last step."""
    steps = 50
    weight = torch.nn.Parameter(torch.zeros(1, dtype=torch.float64))
    optimiser = torch.optim.AdamW([weight], 1.0, (0.9, 0.999), 0.0, 0.0)
    before = 0.0
    for gradient in (0.9 / 0.999) ** np.arange(steps)[::-1]:
        before = float(weight.detach())
        weight.grad = torch.tensor([gradient], dtype=torch.float64)
        optimiser.step()
    assert before - float(weight.detach()) == pytest.approx(adam_steps(steps) - adam_steps(steps - 1), rel=1e-9)


def test_adams_sum_goes_on_where_it_is_no_longer_counted() -> None:
    assert adam_steps(1) == pytest.approx(1)
    assert adam_steps(20_000) - adam_steps(10_000) == pytest.approx(10_000 * 7.27, rel=1e-3)
    assert adam_steps((1 << 31) - 1) > 1e9  # at once


def test_the_bounds_follow_the_schedule_and_the_factors() -> None:
    layer = layout(**{"x.lora_A.weight": 60, "x.lora_B.weight": 20})

    def norms(factors: str, **changes: Any) -> tuple[float, float]:
        lora = LORA.model_copy(update={"factors": factors})
        found = reach(training(steps=1, **changes), lora, layer, 1 << 16, np.zeros(80, np.int32))
        return found.norm / RATE, found.step / RATE

    assert norms("both") == pytest.approx((math.sqrt(80), math.sqrt(80)))
    assert norms("b") == pytest.approx((math.sqrt(20), math.sqrt(20)))
    assert norms("alternating") == pytest.approx((math.sqrt(60), math.sqrt(20)))
    falling = norms("both", schedule="cosine", rounds=1000, final_learning_rate_ratio=0.1)
    assert falling == pytest.approx((math.sqrt(80), 0.1 * math.sqrt(80)), rel=1e-3)


def test_look_ahead_goes_as_far_as_its_bound_and_no_farther() -> None:
    """One value that every step moves by the learning rate in one direction, at every rate of the server."""
    start = np.zeros(VALUES, np.int32)
    for share, server_lr in ((0.3, 1 << 16), (0.9, 1 << 16), (0.45, 2 << 16), (0.9, 1 << 15)):
        found = reach(training(steps=1, look_ahead=share), LORA, layout(), server_lr, start)
        now, before, sent = 0.0, 0.0, 0.0
        for _ in range(200):
            sent = share * (now - before) + RATE
            now, before = now + server_lr / (1 << 16) * sent, now
            assert sent <= found.value * (1 + 1e-12)
        assert sent == pytest.approx(found.value, rel=1e-6)
        assert found.norm == pytest.approx(math.sqrt(VALUES) * found.value)
        assert found.step == reach(training(steps=1), LORA, layout(), server_lr, start).step


def test_a_faster_b_moves_the_bounds_of_b() -> None:
    layer, start = layout(**{"x.lora_A.weight": 60, "x.lora_B.weight": 20}), np.zeros(80, np.int32)
    for ratio, value in ((4.0, 4.0), (0.5, 1.0)):
        found = reach(training(steps=1, rate_ratio_b=ratio), LORA, layer, 1 << 16, start)
        norm = math.sqrt(60 + ratio**2 * 20)
        assert (found.value, found.norm, found.step) == pytest.approx((RATE * value, RATE * norm, RATE * norm))
        clipped = reach(training(steps=1, optimizer="sgd", rate_ratio_b=ratio), LORA, layer, 1 << 16, start)
        assert clipped.value == clipped.norm == pytest.approx(RATE * value)


@pytest.mark.parametrize("bits", [8, 16])
def test_the_smallest_shift_that_holds_a_value(bits: int) -> None:
    high = (1 << (bits - 1)) - 1
    for shift in (0, 5, 31 - bits):
        assert shift_for((high << shift) * UNIT, bits) == shift
    assert shift_for((high << 5) * UNIT * 1.0001, bits) == 6
    assert shift_for(1e9, bits) == 31 - bits  # as wide as an update can be


def test_what_has_no_bound_is_the_sponsors_to_say() -> None:
    start = np.zeros(VALUES, np.int32)
    unknown = training(optimizer="adafactor"), LORA, layout(), 1 << 16, start
    for half in (ChosenBounds(), ChosenBounds(max_norm=1.0), ChosenBounds(min_norm=0.1), ChosenBounds(max_shift=3)):
        with pytest.raises(NoBound, match=r"'adafactor'.* give --max-norm and --min-norm, .*adamw_torch"):
            bounds_of(half, *unknown)
    given = bounds_of(ChosenBounds(max_norm=1.0, min_norm=0.1), *unknown)
    assert given == Bounds(max_shift=shift_for(1.0, 8), max_norm=1.0, min_norm=0.1)
    with pytest.raises(NoBound):  # each step throws every weight over zero, farther than it was
        bounds_of(ChosenBounds(), training(learning_rate=2.0, weight_decay=1.0), *unknown[1:])
    with pytest.raises(NoBound):
        make(choices(training=training(optimizer="adafactor")), "no model is looked for")


def test_what_the_sponsor_sets_stands() -> None:
    known = training(), LORA, layout(), 1 << 16, np.zeros(VALUES, np.int32)
    computed = bounds_of(ChosenBounds(), *known)
    assert bounds_of(ChosenBounds(max_shift=2), *known) == computed.model_copy(update={"max_shift": 2})
    assert bounds_of(ChosenBounds(min_norm=1e-5), *known) == computed.model_copy(update={"min_norm": 1e-5})
    low = bounds_of(ChosenBounds(max_norm=0.01), *known)
    assert low.max_norm == 0.01
    assert low.max_shift == shift_for(0.01, 8) < computed.max_shift


def test_spec_new_computes_and_shows_them(tiny_folder: Path, tmp_path: Path) -> None:
    command = ["fednode", "spec", "new", "--name", "x", "--base-model", "tests/tiny", "--rounds", "2"]
    command += ["--source", str(tiny_folder), "--template", "{prompt} =", "--rank", "4", "--max-shift", "9"]
    command += ["--sequence-length", "32"]
    done = programs.run([*command, "--learning-rate", "5e-3"], tmp_path, environment())
    assert done.returncode == 0, done.stderr
    spec = load_spec((tmp_path / "spec.json").read_bytes())
    assert spec.bounds.max_norm == pytest.approx(2 * adam_steps(2) * 5e-3 * math.sqrt(1792), rel=1e-3)
    assert spec.bounds.min_norm == pytest.approx(0.01 * learning_rate(spec.training, 2) * math.sqrt(1792), rel=1e-3)
    assert f"L2 norm {spec.bounds.min_norm:.4g} to {spec.bounds.max_norm:.4g}, values up to 0.003906" in done.stdout
    assert "(shift 9)" in done.stdout


def test_every_optimiser_of_the_table_is_one_that_training_knows() -> None:
    from transformers.training_args import OptimizerNames

    assert set(STEPS) - {FACTORED} <= {name.value for name in OptimizerNames}


SETTINGS: dict[str, dict[str, Any]] = {
    "default": {"steps": 2},
    "one step": {"steps": 1},
    "many steps, cosine": {"steps": 25, "schedule": "cosine", "final_learning_rate_ratio": 0.1},
    "high rate": {"learning_rate": 5e-2},
    "decay": {"weight_decay": 0.1},
    "proximal": {"proximal_mu": 1.0, "gradient_accumulation": 2},
    "fused": {"optimizer": "adamw_torch_fused"},
    "sgd": {"optimizer": "sgd", "learning_rate": 0.1},
    "sgd with decay": {"optimizer": "sgd", "learning_rate": 0.1, "weight_decay": 0.1, "max_grad_norm": 0.3},
    "rmsprop": {"optimizer": "rmsprop", "learning_rate": 1e-3},
    "adagrad": {"optimizer": "adagrad"},
    "factored": {"optimizer": FACTORED, "steps": 3},
    "factored, B faster": {"optimizer": FACTORED, "rate_ratio_b": 4.0},
    "AdamW, B faster": {"rate_ratio_b": 2.0},
    "look-ahead": {"look_ahead": 0.9},
    "factored, look-ahead, decay": {"optimizer": FACTORED, "look_ahead": 0.5, "weight_decay": 0.1},
    "FFA-LoRA": {"lora": LORA.model_copy(update={"factors": "b"})},
    "RoLoRA": {"lora": LORA.model_copy(update={"factors": "alternating"})},
    "dropout": {"lora": LORA.model_copy(update={"dropout": 0.3})},
    "rank 1": {"lora": LORA.model_copy(update={"r": 1, "alpha": 64})},
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return load_data(write_jsonl(tmp_path_factory.mktemp("data") / "train.jsonl", colour_rows(64)))


@pytest.mark.parametrize("name", SETTINGS)
def test_honest_training_has_room_below_the_bounds_and_above_the_floor(tiny_folder: Path, data: Any, name: str) -> None:
    """The margin: half of the bounds is never reached, and ten floors always are. Three rounds of one site."""
    spec, adapter = tiny_spec(tiny_folder, kind="fp32", **SETTINGS[name])
    model = AdapterModel.load(spec, None, "cpu", 1)
    model.set_global(adapter.units)
    holds = (127 << spec.bounds.max_shift) * UNIT
    now, before, share = adapter.units, adapter.units, spec.training.look_ahead
    for number in range(1, spec.training.rounds + 1):
        result = model.train(spec, data, number, 0, start=ahead(now, before, share) if share else None)
        now, before = moved(now, result.units_delta), now
        update = make_update(result.units_delta, spec, 0, number)
        assert (update.clipped, update.scaled) == (0, 1.0)
        assert update.norm <= spec.bounds.max_norm / MARGIN
        assert update.peak <= holds / MARGIN * 1.02  # rounded up, by up to a 64th
        assert update.norm >= 10 * spec.bounds.min_norm
        assert check_update(update.leaves, update.shift, spec, number) == update.norm

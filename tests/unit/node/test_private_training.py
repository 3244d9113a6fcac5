"""DP-SGD on the tiny model, against a slow reference that takes gradients with autograd and steps by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fednode.data import load_data
from fednode.data.tokens_at_once import MOST_TOKENS
from fednode.evaluation.loss import token_losses
from fednode.sponsor.bounds import ChosenBounds
from fednode.training import AdapterModel, NotFinite, PrivateSteps
from fednode.training.private_steps import NoisyGradient
from fednode.training.secret_randomness import SecretRandomness
from fedprotocol.numbers import quantize_global
from fedprotocol.spec import Lora, Spec
from numpy.typing import NDArray
from support.device import DEVICE
from support.tiny_model import colour_rows, write_jsonl
from support.tiny_spec import LORA, tiny_spec

pytestmark = pytest.mark.model

SETTINGS = PrivateSteps(noise=0.8, clip=0.05)
BY_HAND = ChosenBounds(max_norm=1.0, min_norm=1e-6)
RATE = 0.05
B_ONLY = Lora(r=8, alpha=16, dropout=0.0, target_modules=LORA.target_modules, factors="b")


class Repeatable:
    """The same values each time, which a test needs and a site must not have."""

    def __init__(self, seed: int = 0) -> None:
        self._generator = np.random.default_rng(seed)

    def normal(self, count: int) -> NDArray[np.float64]:
        return self._generator.standard_normal(count)

    def drawn(self, rows: int, rate: float) -> list[int]:
        found: list[int] = np.flatnonzero(self._generator.random(rows) < rate).tolist()
        return found


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return load_data(write_jsonl(tmp_path_factory.mktemp("data") / "train.jsonl", colour_rows(60)))


def load(folder: Path, kind: str, **settings: Any) -> tuple[Spec, AdapterModel]:
    spec, adapter = tiny_spec(folder, kind, **{"bounds": BY_HAND, **settings})
    model = AdapterModel.load(spec, None, DEVICE, 1)
    model.set_global(adapter.units)
    return spec, model


def sgd(**settings: Any) -> dict[str, Any]:
    return {"optimizer": "sgd", "learning_rate": RATE, "max_grad_norm": 1e9, "steps": 3, **settings}


def reference(model: AdapterModel, data: Any, settings: PrivateSteps, steps: int, lot: int) -> NDArray[np.float64]:
    """Abadi et al. 2016, algorithm 1, a row at a time, with nothing of `fednode.training` but the loaded model."""
    randomness = Repeatable()
    rate = lot / len(data)
    lots = [randomness.drawn(len(data), rate) for _ in range(steps)]
    weights = [parameter for parameter in model._model.parameters() if parameter.requires_grad]
    before = model.values()
    model._model.train()
    for rows in lots:
        total = [torch.zeros(weight.shape, dtype=torch.float64) for weight in weights]
        for row in rows:
            example = model.encoder.example(data[row]["prompt"], data[row]["completion"])
            batch = model._batches.padded([example])
            labels = batch.pop("labels")
            losses = token_losses(model._batches.logits(batch), labels.to(DEVICE))
            gradients = torch.autograd.grad(losses.sum() / example.answer_length, weights)
            norm = torch.cat([gradient.double().flatten() for gradient in gradients]).norm()
            for part, gradient in zip(total, gradients, strict=True):
                part += gradient.double().cpu() / max(1.0, float(norm) / settings.clip)
        with torch.no_grad():
            for weight, part in zip(weights, total, strict=True):
                noise = settings.noise * settings.clip * torch.from_numpy(randomness.normal(part.numel()))
                weight -= (RATE * (part + noise.view(part.shape)) / lot).to(weight)
    return (model.values().astype(np.float64) - before) * 2**24


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("fp32", {}),
        ("nf4", {}),
        ("nf4", {"gradient_checkpointing": True}),
        ("nf4", {"batch_size": 2, "gradient_accumulation": 4}),
        ("bf16", {"gradient_checkpointing": True, "batch_size": 4, "gradient_accumulation": 2}),
    ],
)
def test_steps_are_those_of_a_slow_reference(tiny_folder: Path, data: Any, kind: str, settings: dict[str, Any]) -> None:
    spec, model = load(tiny_folder, kind, **sgd(**settings))
    start = quantize_global(model.values())
    found = model.train(spec, data, 1, 0, private=SETTINGS, randomness=Repeatable()).units_delta
    model.set_global(start)
    expected = reference(model, data, SETTINGS, steps=3, lot=8)
    assert np.abs(expected).max() > 1000
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=np.abs(expected).max() * 1e-4)


@pytest.mark.parametrize("kind", ["nf4", "fp32"])
def test_weights_move_and_learn_also_after_an_evaluation(tiny_folder: Path, data: Any, kind: str) -> None:
    spec, model = load(tiny_folder, kind, steps=12, lora=B_ONLY)
    before = model.evaluate(spec, data).loss
    assert before == model.evaluate(spec, data).loss
    model.train(spec, data, 1, 0, private=PrivateSteps(noise=0.3, clip=1.0))
    assert model.evaluate(spec, data).loss < 0.9 * before


def test_frozen_factors_get_no_noise(tiny_folder: Path, data: Any) -> None:
    spec, model = load(tiny_folder, "fp32", steps=1, lora=B_ONLY)
    delta = model.train(spec, data, 1, 0, private=SETTINGS).units_delta
    parts = np.split(delta, np.cumsum([np.prod(tensor.shape) for tensor in spec.layout.tensors])[:-1])
    for tensor, part in zip(spec.layout.tensors, parts, strict=True):
        assert part.any() == (".lora_B." in tensor.name)


@pytest.mark.parametrize("optimizer", ["adamw_torch", "adamw_factored", "adafactor", "lion_32bit"])
def test_every_ordinary_optimiser_takes_noisy_gradients(tiny_folder: Path, data: Any, optimizer: str) -> None:
    spec, model = load(tiny_folder, "fp32", steps=2, optimizer=optimizer, rate_ratio_b=2.0)
    assert model.train(spec, data, 1, 0, private=SETTINGS).units_delta.any()


def test_no_seed_repeats_the_noise(tiny_folder: Path, data: Any) -> None:
    deltas = []
    for _ in range(2):
        spec, model = load(tiny_folder, "fp32", **sgd(steps=1, batch_size=60))
        deltas.append(model.train(spec, data, 1, 0, private=SETTINGS).units_delta / 2**24 / RATE)
    difference = deltas[0] - deltas[1]  # all rows are drawn, so that only the noise differs
    expected = SETTINGS.noise * SETTINGS.clip / 60 * np.sqrt(2)
    assert difference.std() == pytest.approx(expected, rel=0.03)


def test_the_pull_of_fedprox_is_added_after_the_noise(tiny_folder: Path, data: Any) -> None:
    """Two steps g1, g2 of SGD move by -rate (g1 + g2); the pull adds mu times what the first one moved."""
    deltas = {}
    nothing = PrivateSteps(noise=0.5, clip=1e-3)
    for steps, mu in ((1, 0.0), (2, 0.0), (2, 2.0)):
        spec, model = load(tiny_folder, "fp32", **sgd(steps=steps, proximal_mu=mu))
        randomness = Repeatable()
        first = randomness.drawn(60, 8 / 60)

        class Same(Repeatable):
            def drawn(self, rows: int, rate: float) -> list[int]:  # noqa: ARG002
                return first  # noqa: B023

        result = model.train(spec, data, 1, 0, private=nothing, randomness=Same())
        deltas[steps, mu] = result.units_delta
    pulled = deltas[2, 2.0] - deltas[2, 0.0]
    expected = -RATE * 2.0 * deltas[1, 0.0]
    assert np.abs(expected).max() > 10
    np.testing.assert_allclose(pulled, expected, atol=0.05 * np.abs(expected).max())


def test_a_row_moves_the_sum_by_no_more_than_the_clip() -> None:
    parameter = torch.nn.Parameter(torch.zeros(3))
    silent = PrivateSteps(noise=0.0, clip=2.0)
    gradient = NoisyGradient([parameter], silent, 4.0, SecretRandomness())
    gradient.add([torch.tensor([[0.3, 0.0, 0.4], [300.0, 0.0, 400.0], [0.0, 0.0, 0.0]])])
    gradient.add([torch.tensor([[float("nan"), 1.0, 1.0], [1e30, 1e30, 0.0]])])
    gradient.add([None])
    gradient.finish()
    root = 2 / np.sqrt(2)
    expected = torch.tensor([0.3 + 1.2 + root, root, 0.4 + 1.6]) / 4
    assert parameter.grad is not None
    torch.testing.assert_close(parameter.grad, expected.float())
    assert gradient.lost == 1
    gradient.finish()
    assert not parameter.grad.any(), "a step begins at nothing"


def test_a_step_may_have_no_row(tiny_folder: Path, data: Any) -> None:
    class Nobody(Repeatable):
        def drawn(self, rows: int, rate: float) -> list[int]:  # noqa: ARG002
            return []

    spec, model = load(tiny_folder, "fp32", **sgd())
    result = model.train(spec, data, 1, 0, private=SETTINGS, randomness=Nobody())
    assert result.units_delta.any() and result.drawn == 0 and result.loss_first == 0


def test_whether_rows_go_together_is_tried_once_for_a_model(
    tiny_folder: Path, data: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is trained in a round, and with B at zero, where A alone has no gradient that could tell."""
    monkeypatch.setitem(MOST_TOKENS, DEVICE, 60 * 128)
    factors = Lora(r=8, alpha=16, dropout=0.0, target_modules=LORA.target_modules, factors="alternating")
    spec, model = load(tiny_folder, "fp32", **sgd(steps=1, lora=factors, batch_size=60))
    quiet, passes = PrivateSteps(noise=0.0, clip=0.05), list[int]()
    model._model.get_base_model().register_forward_pre_hook(
        lambda _, __, given: passes.append(len(given["input_ids"])), with_kwargs=True
    )
    for number in (1, 2, 3):
        model.train(spec, data, number, 0, private=quiet, randomness=Repeatable())
    assert passes == [2, 2, 1, 60, 60, 60]
    del model._gradients_apart
    layer: Any = model._model.get_base_model().model.layers[0].mlp
    own = layer.forward
    layer.forward = lambda x: own(x) + 0.1 * x.mean(dim=0, keepdim=True)
    model.set_global(tiny_spec(tiny_folder, "fp32", lora=factors)[1].units)
    passes.clear()
    model.train(spec, data, 1, 0, private=quiet, randomness=Repeatable())
    assert passes == [2, 2, 1, *[1] * 60], "rows that see each other go through it one by one"


def test_a_broken_model_is_noticed(tiny_folder: Path, data: Any) -> None:
    spec, model = load(tiny_folder, "fp32")
    values = model.values()
    values[:] = np.nan
    model.set_values(values)
    with pytest.raises(NotFinite, match="no row of step 1"):
        model.train(spec, data, 1, 0, private=SETTINGS, randomness=Repeatable())


def test_secret_normal_values_are_normal() -> None:
    values = SecretRandomness().normal(400_001)
    assert abs(values.mean()) < 0.01 and values.std() == pytest.approx(1, abs=0.01)
    for bound, share in ((1, 0.8413), (2, 0.97725), (3, 0.99865)):
        assert (values < bound).mean() == pytest.approx(share, abs=0.003)
    assert abs(np.corrcoef(values[:200_000], values[200_000:400_000])[0, 1]) < 0.01


def test_rows_are_drawn_each_on_its_own() -> None:
    randomness = SecretRandomness()
    counts = np.zeros(50)
    sizes = []
    for _ in range(2000):
        rows = randomness.drawn(50, 0.2)
        counts[rows] += 1
        sizes.append(len(rows))
    assert counts.mean() / 2000 == pytest.approx(0.2, abs=0.01) and counts.std() < 40
    assert np.var(sizes) == pytest.approx(50 * 0.2 * 0.8, rel=0.15), "of a fixed number there would be no variance"
    assert randomness.drawn(7, 1.0) == list(range(7))

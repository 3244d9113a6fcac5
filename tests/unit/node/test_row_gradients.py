"""Each row's gradient out of one backward pass, against a pass of its own, on small models of several families."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from fednode.data.encode import Example
from fednode.evaluation.loss import row_losses
from fednode.training import AdapterModel
from fednode.training.row_gradients import (
    Gradients,
    OneByOne,
    RowGradients,
    Together,
    keeps_gradients_apart,
    row_gradients,
)
from fedprotocol.spec import Lora
from support.device import DEVICE
from support.tiny_families import FAMILIES, WIDE, build_family
from support.tiny_spec import tiny_spec

pytestmark = pytest.mark.model

TOKENS = ((9, 8, 7, 6, 5, 4), (3, 4), (20, 21, 22, 23), (5, 5, 5))


def rows() -> list[Example]:
    return [Example(list(tokens), 1, truncated=False, answer_cut=False) for tokens in TOKENS]


def loaded(folder: Path, name: str, kind: str = "fp32") -> AdapterModel:
    targets = (FAMILIES | WIDE)[name].targets
    lora = Lora(r=4, alpha=8, dropout=0.0, target_modules=targets, factors="both")
    spec, _ = tiny_spec(build_family(folder / name, name), kind, lora=lora)
    model = AdapterModel.load(spec, None, DEVICE, 1)
    torch.manual_seed(0)
    for parameter in trained(model):
        torch.nn.init.normal_(parameter, std=0.1)  # B is zero at first, and then A has no gradient
    return model


def trained(model: AdapterModel) -> list[torch.nn.Parameter]:
    return [parameter for parameter in model._model.parameters() if parameter.requires_grad]


def chosen(model: AdapterModel, at_once: int = 4) -> RowGradients:
    return row_gradients(model._model, trained(model), at_once, model._gradients_apart)


def backward(model: AdapterModel, some: list[Example]) -> Callable[[], object]:
    batch = model._batches.padded(some)
    labels = batch.pop("labels").to(DEVICE)
    return lambda: row_losses(model._batches.logits(batch), labels).sum().backward()


def stacked(gradients: Gradients) -> torch.Tensor:
    """[B, values]"""
    return torch.cat([gradient.flatten(1).float() for gradient in gradients if gradient is not None], dim=1)


@pytest.mark.parametrize("kind", ["fp32", "nf4"])
@pytest.mark.parametrize("name", FAMILIES)
def test_rows_get_together_what_each_gets_alone(tmp_path: Path, name: str, kind: str) -> None:
    model = loaded(tmp_path, name, kind)
    together, alone = chosen(model), OneByOne(trained(model))
    assert isinstance(together, Together), "the probe finds that the rows are kept apart"
    found = stacked(together.of(backward(model, rows())))
    assert all(parameter.grad is None for parameter in trained(model))
    expected = torch.cat([stacked(alone.of(backward(model, [row]))) for row in rows()])
    assert (expected.norm(dim=1) > 0.01).all()
    near = (found - expected).norm(dim=1) / expected.norm(dim=1)
    assert near.max() < (1e-4 if kind == "fp32" else 0.02), near


def test_a_batch_after_it_is_as_before(tmp_path: Path) -> None:
    """Nothing stays in the model: an ordinary backward pass gives the parameters their gradients."""
    model = loaded(tmp_path, "qwen2")
    chosen(model).of(backward(model, rows()))
    backward(model, rows())()
    assert all(parameter.grad is not None for parameter in trained(model))


def test_rows_that_are_no_business_of_each_other_stay_so(tmp_path: Path) -> None:
    """A model whose rows see each other is found out, and its rows go through it one by one."""
    model = loaded(tmp_path, "qwen2")
    layer: Any = model._model.get_base_model().model.layers[0].mlp
    own = layer.forward
    layer.forward = lambda x: own(x) + 0.1 * x.mean(dim=0, keepdim=True)
    assert isinstance(chosen(model), OneByOne)


def test_other_models_take_one_row_after_the_other(tmp_path: Path) -> None:
    model = loaded(tmp_path, "qwen2")
    assert isinstance(chosen(model, at_once=1), OneByOne)
    assert isinstance(row_gradients(model._model, trained(model), 4, are_apart=False), OneByOne)
    parameters = [*trained(model), torch.nn.Parameter(torch.zeros(3))]
    assert isinstance(row_gradients(model._model, parameters, 4, are_apart=True), OneByOne), "no layer's weight"
    assert not keeps_gradients_apart(model._model, parameters, model._batches.logits, model._batches.padded)


@pytest.mark.parametrize("name", WIDE)
def test_experts_get_right_gradients_in_either_way(tmp_path: Path, name: str) -> None:
    model = loaded(tmp_path, name)
    how, alone = chosen(model), OneByOne(trained(model))
    some = rows()[: how.at_once]
    expected = torch.cat([stacked(alone.of(backward(model, [row]))) for row in some])
    near = (stacked(how.of(backward(model, some))) - expected).norm() / expected.norm()
    assert near < 1e-3, (near, type(how).__name__)


def test_a_layer_that_is_used_twice_has_the_sum() -> None:
    layer = torch.nn.Linear(3, 2, bias=False)
    x = torch.randn(2, 5, 3)
    together, alone = Together([layer], 2), OneByOne([layer.weight])

    def twice(x: torch.Tensor) -> Callable[[], object]:
        return lambda: (layer(x).square().sum() + layer(2 * x).sum()).backward()

    expected = torch.cat([stacked(alone.of(twice(row[None]))) for row in x])
    torch.testing.assert_close(stacked(together.of(twice(x))), expected)

"""Checks that the 4-bit layers in memory hold what their files hold, and compute with it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fednode.base_model.errors import BaseModelError
from fednode.base_model.nf4 import overshoot, scales_of
from fednode.base_model.originals import originals

if TYPE_CHECKING:
    import torch
    from bitsandbytes.nn import Linear4bit
    from transformers import PreTrainedModel

_Form = tuple[Any, ...]

_ROWS = 8
_ROUNDING = 0.02
"""The largest error of a product, as a share of its length. bfloat16 causes 0.005, and the scales of wrong blocks 0.1
and more."""


def verify(model: PreTrainedModel, skeleton: PreTrainedModel, files: Mapping[str, Path]) -> None:
    """Compare every 4-bit layer of `model`, on the CPU, with its original in `files`, and one of each form with what it
    computes: layers of one form run the same kernels. `skeleton`: the same model without weights, unquantised. One
    layer at a time is dequantised. Raises BaseModelError, naming the first layer that is not within NF4's bounds, has
    no original, or computes something else than its weight, forward or backward.
    """
    from bitsandbytes.nn import Linear4bit

    layers = {
        f"{name}.weight": layer
        for name, layer in model.named_modules(remove_duplicate=False)
        if isinstance(layer, Linear4bit)
    }
    unseen, forms = set(layers), set[_Form]()
    for name, original in originals(skeleton, files, layers.keys()):
        layer = layers[name]
        held = _compared(name, layer, original)
        if (form := _form(layer)) not in forms and not _computes(layer, held.float()):
            raise BaseModelError(f"{name}: the 4-bit layer multiplies with other weights than it holds; {_REMEDY}")
        forms.add(form)
        unseen.discard(name)
    if unseen:
        raise BaseModelError(f"the files hold no {min(unseen)} to compare the 4-bit weight in memory with")


def _form(layer: Linear4bit) -> _Form:
    """What decides which kernels run."""
    state = layer.weight.quant_state
    return state.shape, state.blocksize, state.quant_type, state.nested, state.dtype, layer.compute_dtype


def _compared(name: str, layer: Linear4bit, original: torch.Tensor) -> torch.Tensor:
    """The weight that the layer holds, dequantised, once it was compared with its original."""
    import torch
    from bitsandbytes.functional import dequantize_4bit
    from transformers.pytorch_utils import Conv1D

    state = layer.weight.quant_state
    weight = (original.t() if layer.source_cls is Conv1D else original).to(state.dtype)
    scales = scales_of(weight)
    if not torch.isfinite(scales).all():
        raise BaseModelError(f"{name} has values that are infinite or no numbers; the model's files are damaged")
    held: torch.Tensor = dequantize_4bit(layer.weight.data, state)
    if held.shape != weight.shape:
        raise BaseModelError(f"{name} is {list(held.shape)} in 4 bits and {list(weight.shape)} in the model's files")
    times = overshoot(weight, held, scales, bool(state.nested))
    if times > 1:
        raise BaseModelError(f"{name}: the 4-bit weights lie {times:.3g} times as far from the original {_AS_NF4}")
    return held


_REMEDY = (
    'bitsandbytes computes wrongly on this processor: install the version in constraints.txt, or set device = "cuda", '
    "or run the node on another machine"
)
_AS_NF4 = f"as NF4 allows; {_REMEDY}"


def _computes(layer: Linear4bit, weight: torch.Tensor) -> bool:
    """Whether the layer multiplies with `weight` (float32 [out, in]) while evaluating, while training, and in its
    gradient."""
    import torch

    width = layer.compute_dtype or torch.float32
    chance = torch.Generator().manual_seed(0)
    inputs, slopes = (torch.randn(_ROWS, count, generator=chance).to(width) for count in reversed(weight.shape))
    bias = torch.zeros(len(weight)) if layer.bias is None else layer.bias.detach().float()
    with torch.no_grad():
        evaluated = layer(inputs)
        expected = inputs.float() @ weight.t()
        gradient = slopes.float() @ weight
    with torch.enable_grad():
        trained_on = inputs.clone().requires_grad_()
        trained = layer(trained_on)
        if not trained.requires_grad:
            return False
        trained.backward(slopes)
    if trained_on.grad is None:
        return False
    shift = bias.norm() * _ROWS**0.5
    return all(
        bool((got.detach().float() - right).norm() <= _ROUNDING * right.norm() + torch.finfo(width).eps * beside)
        for got, right, beside in (
            (evaluated - bias, expected, shift),
            (trained - bias, expected, shift),
            (trained_on.grad, gradient, 0.0),
        )
    )

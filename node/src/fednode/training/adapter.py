"""A LoRA adapter as one vector: the order and shapes of the spec's layout, the values of the int32 grid."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from fedprotocol.numbers import UNIT, NumbersError, dequantize_global
from fedprotocol.spec import Lora, Tensor

from fednode.base_model.foreign_errors import told_as
from fednode.training.types import Diverged, LayoutMismatch, NotFinite, ZeroDelta

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray
    from peft import PeftModel
    from transformers import PreTrainedModel

LIMIT = 2.0**31 * UNIT
"""Adapter values lie below this in magnitude: 128."""

_ADAPTER = "default"


def lora_config(lora: Lora, base_model: str | None = None) -> Any:
    """peft's LoraConfig of the spec's settings."""
    from peft import LoraConfig, TaskType

    return LoraConfig(
        r=lora.r,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=list(lora.target_modules),
        bias="none",
        task_type=TaskType.CAUSAL_LM,
        base_model_name_or_path=base_model,
        inference_mode=base_model is not None,
    )


def attach(model: PreTrainedModel, lora: Lora) -> PeftModel:
    """`model` with a trainable float32 adapter. Raises LayoutMismatch if a target module is not in it.

    A target is a Linear or transformers' Conv1D, which is one with its weight transposed (GPT-2's); the adapter's
    shapes are the same, and so they are where bitsandbytes has put its 4-bit Linear in place of either.
    """
    from peft import get_peft_model
    from torch import nn
    from transformers.pytorch_utils import Conv1D

    linear = [name for name, module in model.named_modules() if isinstance(module, nn.Linear | Conv1D)]
    absent = [target for target in lora.target_modules if not any(f".{name}".endswith(f".{target}") for name in linear)]
    if absent:
        raise LayoutMismatch(
            f"lora.target_modules: the base model has no linear module {', '.join(absent)}; "
            f"it has {', '.join(sorted({name.rpartition('.')[2] for name in linear}))}"
        )
    with told_as(LayoutMismatch, "peft cannot put this adapter on the base model"):
        adapted: PeftModel = get_peft_model(model, lora_config(lora))
    return adapted


def tensors_by_name(model: PeftModel) -> dict[str, torch.nn.Parameter]:
    """The adapter's parameters, under the names of a saved peft adapter, sorted by name."""
    named = {
        name.replace(f".{_ADAPTER}.", "."): parameter
        for name, parameter in model.named_parameters()
        if f".{_ADAPTER}." in name
    }
    return dict(sorted(named.items()))


def layout_of(model: PeftModel) -> tuple[Tensor, ...]:
    """Names and shapes of the adapter's tensors, in layout order."""
    return tuple(Tensor(name=name, shape=tuple(value.shape)) for name, value in tensors_by_name(model).items())


def check_layout(model: PeftModel, expected: Sequence[Tensor]) -> None:
    """Raise LayoutMismatch, naming the first difference, unless the adapter has exactly these names and shapes."""
    ours = {tensor.name: tensor.shape for tensor in layout_of(model)}
    theirs = {tensor.name: tensor.shape for tensor in expected}
    for name in sorted(ours.keys() | theirs.keys()):
        if ours.get(name) != theirs.get(name):
            raise LayoutMismatch(
                f"adapter tensor {name} is {_shape(ours.get(name))} on this base model, {_shape(theirs.get(name))} in "
                "the spec's layout; it is the wrong base model, or the spec was edited"
            )


def write_units(parameters: Sequence[torch.nn.Parameter], units: NDArray[np.int32]) -> None:
    """Set the parameters, in layout order, to exactly `units * 2^-24`: int32 [value_count], each tensor in C order.

    Raises NumbersError on another type or length; nothing is broadcast.
    """
    count = sum(parameter.numel() for parameter in parameters)
    if units.dtype != np.int32 or units.shape != (count,):
        raise NumbersError(f"the adapter takes int32 [{count}], not {units.dtype} {list(units.shape)}")
    write_values(parameters, dequantize_global(units))


def write_values(parameters: Sequence[torch.nn.Parameter], values: NDArray[np.float32]) -> None:
    """Set the parameters, in layout order, to `values`: float32 of exactly their number."""
    import torch

    parts = np.split(values, np.cumsum([parameter.numel() for parameter in parameters])[:-1])
    with torch.no_grad():
        for parameter, part in zip(parameters, parts, strict=True):
            parameter.copy_(torch.from_numpy(part).view(parameter.shape))


def read_values(parameters: Sequence[torch.nn.Parameter]) -> NDArray[np.float32]:
    """The parameters' values: float32 [value_count], a copy."""
    import torch

    with torch.no_grad():
        vector: NDArray[np.float32] = torch.cat([parameter.flatten() for parameter in parameters]).cpu().numpy()
    return vector


def changed_units(before: NDArray[np.float32], after: NDArray[np.float32]) -> NDArray[np.float64]:
    """`after - before` in units, float64: what training changed and nothing else, also where float32 is coarser than
    a unit (beyond 1.0)."""
    return (after.astype(np.float64) - before.astype(np.float64)) / UNIT


def require_in_range(values: NDArray[np.float32]) -> None:
    """Raise NotFinite or Diverged if a value of a trained adapter is none that a global can hold."""
    if not np.isfinite(values).all():
        raise NotFinite("training made a weight NaN or infinite; lower the learning rate of the spec")
    largest = np.abs(values).max()
    if largest >= LIMIT:
        raise Diverged(
            f"training took a weight to {largest:.3g}, beyond the grid's {LIMIT:g}; lower the learning rate of the spec"
        )


def require_change(delta: NDArray[np.float64]) -> None:
    """Raise ZeroDelta if no value of `delta`, in units, is one half at least."""
    if np.abs(delta).max() < 0.5:
        raise ZeroDelta(
            "training changed no weight: the learning rate is too small for the grid of 2^-24, "
            "or no gradient reaches the adapter"
        )


def initial_values(tensors: Sequence[Tensor], seed: int) -> NDArray[np.float32]:
    """LoRA's initialisation as in peft: A Kaiming-uniform with a = sqrt(5), B zero. Hu et al. 2021, "LoRA"."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    parts = []
    for tensor in tensors:
        value = torch.zeros(tensor.shape)
        if ".lora_A." in tensor.name:
            torch.nn.init.kaiming_uniform_(value, a=math.sqrt(5), generator=generator)
        parts.append(value.flatten())
    vector: NDArray[np.float32] = torch.cat(parts).numpy()
    return vector


def _shape(shape: tuple[int, ...] | None) -> str:
    return "absent" if shape is None else "x".join(map(str, shape))

"""A global as LoRA's two factors for each weight."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from fedprotocol.numbers import NumbersError, dequantize_global
from fedprotocol.spec import Spec

from fednode.global_model.errors import ExportError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_PREFIX, _A, _B = "base_model.model.", ".lora_A.weight", ".lora_B.weight"  # names of a saved peft adapter


@dataclass(frozen=True)
class Factors:
    """What is added to a linear layer's weight W, of the shape [out, in], is scale * B A. Hu et al. 2021, "LoRA".

    `a`: float32 [r, in]; `b`: float32 [out, r].
    """

    a: NDArray[np.float32]
    b: NDArray[np.float32]


def tensors_of(spec: Spec, units: NDArray[np.int32]) -> dict[str, NDArray[np.float32]]:
    """The adapter's tensors by their names in the layout; the values are exactly `units * 2^-24`.

    `units`: int32 [value_count], in layout order. Raises NumbersError on another type or length.
    """
    count = spec.layout.value_count
    if units.dtype != np.int32 or units.shape != (count,):
        raise NumbersError(f"the spec's adapter is int32 [{count}], not {units.dtype} {list(units.shape)}")
    sizes = [int(np.prod(tensor.shape)) for tensor in spec.layout.tensors]
    parts = np.split(dequantize_global(units), np.cumsum(sizes)[:-1])
    return {tensor.name: part.reshape(tensor.shape) for tensor, part in zip(spec.layout.tensors, parts, strict=True)}


def factors_of(spec: Spec, units: NDArray[np.int32]) -> dict[str, Factors]:
    """The two factors of each layer, by the layer's name in transformers' model.

    Raises NumbersError, and ExportError if the layout's names are not those of pairs of factors.
    """
    tensors = tensors_of(spec, units)
    layers = {name.removeprefix(_PREFIX).removesuffix(_A) for name in tensors if name.endswith(_A)}
    if tensors.keys() != {_PREFIX + layer + end for layer in layers for end in (_A, _B)}:
        raise ExportError(
            "the spec's layout has other tensors than LoRA's two for each layer: export it without --merged"
        )
    return {layer: Factors(tensors[_PREFIX + layer + _A], tensors[_PREFIX + layer + _B]) for layer in sorted(layers)}


def scale_of(spec: Spec) -> float:
    """The number by which the product of the factors is multiplied."""
    return spec.lora.alpha / spec.lora.r

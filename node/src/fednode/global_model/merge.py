"""The base model with a global adapter merged into its weights, one weight at a time."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fednode.base_model.digest import names_in
from fednode.base_model.load import tensor_files
from fednode.base_model.skeleton import load_skeleton
from fednode.global_model.errors import ExportError
from fednode.global_model.factors import Factors

if TYPE_CHECKING:
    import torch

_WITH_PEFT = "export the adapter without --merged, and merge it with peft (`merge_and_unload`)"


@dataclass(frozen=True)
class Weight:
    """A weight of the merged model: its name in the base model's files, its name in transformers' model, its shape, and
    the type in which the files hold it."""

    stored: str
    name: str
    shape: tuple[int, ...]
    dtype: torch.dtype

    @property
    def values(self) -> int:
        """How many it has."""
        return math.prod(self.shape)


class Merged:
    """W + scale * B A for every weight W that the adapter changes, and the others as they are.

    `config`: that of the base model; `weights`: all that the files hold, in their order. Nothing is read until
    `value` is called.
    """

    def __init__(self, folder: Path, factors: Mapping[str, Factors], scale: float) -> None:
        """`folder`: the base model, unquantised; `factors`: for each layer, by its name in transformers' model.

        Raises ExportError if the files do not hold the weights of these layers as the model has them, BaseModelMissing,
        BaseModelError.
        """
        from transformers.pytorch_utils import Conv1D

        skeleton = load_skeleton(folder)
        self.config = skeleton.config
        self.architecture = type(skeleton).__name__
        self._files = tensor_files(folder)
        self._factors, self._scale = factors, scale
        self._transposed = {name for name in factors if isinstance(skeleton.get_submodule(name), Conv1D)}
        tied = dict(skeleton.all_tied_weights_keys)
        if shared := [name for name in factors if f"{name}.weight" in tied or f"{name}.weight" in tied.values()]:
            raise ExportError(
                f"the adapter changes {shared[0]}, whose weight the base model shares with another layer, so that it "
                f"cannot be merged; {_WITH_PEFT}"
            )
        names = names_in(skeleton, self._files)
        self.weights = tuple(self._weight(stored, name) for stored, name in names.items())
        held = {weight.name for weight in self.weights}
        if absent := [name for name in factors if f"{name}.weight" not in held]:
            raise ExportError(
                f"the base model's files hold {absent[0]} in another form than its model has, so that it cannot be "
                f"merged weight by weight; {_WITH_PEFT}"
            )

    def value(self, weight: Weight) -> torch.Tensor:
        """The merged weight: computed and returned in float32 where the adapter changes it, otherwise as it is
        stored."""
        import torch
        from safetensors import safe_open

        with safe_open(self._files[weight.stored], framework="pt") as content:
            value: torch.Tensor = content.get_tensor(weight.stored)
        layer = weight.name.removesuffix(".weight")
        if (factors := self._factors.get(layer)) is None or not weight.name.endswith(".weight"):
            return value
        product = torch.from_numpy(factors.b) @ torch.from_numpy(factors.a)
        return value.float().add_((product.T if layer in self._transposed else product).mul_(self._scale))

    def _weight(self, stored: str, name: str) -> Weight:
        from safetensors import safe_open

        with safe_open(self._files[stored], framework="pt") as content:
            tensor = content.get_slice(stored)
            return Weight(stored, name, tuple(tensor.get_shape()), torch_type(tensor.get_dtype()))


def torch_type(name: str) -> torch.dtype:
    """torch's type for the name of one in a safetensors file. Raises ExportError for one that no model here has."""
    import torch

    known = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16, "BOOL": torch.bool, "U8": torch.uint8}
    known |= {"I64": torch.int64, "I32": torch.int32, "I16": torch.int16, "I8": torch.int8}
    if name not in known:
        raise ExportError(f"the base model's files hold weights as {name}, which cannot be merged; {_WITH_PEFT}")
    return known[name]

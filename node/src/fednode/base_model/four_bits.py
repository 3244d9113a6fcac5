"""How much of a model is kept in 4 bits, which decides how much memory a spec of kind nf4 really needs."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fedprotocol.quantities import size

from fednode.base_model.errors import BaseModelError
from fednode.base_model.nf4 import stored_bytes
from fednode.base_model.skeleton import load_skeleton

if TYPE_CHECKING:
    from pathlib import Path

    import torch
    from fedprotocol.spec import Quantization
    from transformers import PreTrainedModel

SHARE = 0.9
"""At least this share of the weights outside embeddings and output layer must be in 4 bits. Otherwise the model needs
as much memory as with another precision than its spec's: 5.3 bits for each weight at this share, and 4.1 if all are in
4 bits."""


@dataclass(frozen=True)
class FourBits:
    """`values` of the `weights` are in 4 bits, where `weights` counts all matrices outside embeddings and output layer.
    `stored`: their bytes, scales included. `wide`: the matrices that are not in 4 bits, the largest first; matrices of
    the same name in all layers count as one."""

    values: int
    weights: int
    stored: int
    wide: tuple[str, ...]

    def __str__(self) -> str:
        share = f"{self.values:,} of {self.weights:,} weights of its layers"
        return f"{share} in 4 bits ({size(self.stored)})"

    def check(self) -> None:
        """Raises BaseModelError if less than SHARE of the weights is in 4 bits."""
        if self.values >= SHARE * self.weights:
            return
        raise BaseModelError(
            f"the spec promises 4 bits (nf4), but only {self.values:,} of {self.weights:,} weights outside "
            f"embeddings and head can be held in them: bitsandbytes does not replace {', '.join(self.wide[:3])}"
            f"{f' and {len(self.wide) - 3} more' if len(self.wide) > 3 else ''}; "
            'a federation on this model takes quantization.kind = "bf16"'
        )


def bits(quantization: Quantization, computed_in: torch.dtype | None = None) -> Any:
    """The settings of transformers for NF4."""
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=quantization.double_quant,
        bnb_4bit_compute_dtype=computed_in,
    )


def replaced(skeleton: PreTrainedModel, quantization: Quantization) -> PreTrainedModel:
    """The model without weights, with the layers of bitsandbytes where a loaded model of kind nf4 has them."""
    from transformers.quantizers import AutoHfQuantizer

    AutoHfQuantizer.from_config(bits(quantization), pre_quantized=False).preprocess_model(skeleton, device_map=None)
    return skeleton


def held_as(model: PreTrainedModel, quantization: Quantization) -> str:
    """A text that says how the weights of a loaded model, or of the result of `replaced`, are kept. Raises
    BaseModelError if too few of the weights of a model of kind nf4 are in 4 bits.
    """
    if quantization.kind != "nf4":
        return f"all weights in {quantization.kind}"
    counted = four_bits(model, quantization.double_quant)
    counted.check()
    return str(counted)


def will_hold(folder: Path, quantization: Quantization) -> str:
    """How `load_base` will keep the model in `folder`, found without reading any weight. Raises BaseModelMissing,
    BaseModelError."""
    skeleton = load_skeleton(folder)
    return held_as(replaced(skeleton, quantization) if quantization.kind == "nf4" else skeleton, quantization)


def four_bits(model: PreTrainedModel, double_quant: bool) -> FourBits:
    """Count on a model in which bitsandbytes has replaced its layers. The model may be without weights (meta)."""
    from bitsandbytes.nn import Linear4bit
    from torch import nn

    ends = [module for module in model.modules() if isinstance(module, nn.Embedding)]
    ends += [end for end in (model.get_input_embeddings(), model.get_output_embeddings()) if end is not None]
    beside = {id(parameter) for module in ends for parameter in module.parameters()}
    narrow = {id(layer.weight): layer for layer in model.modules() if isinstance(layer, Linear4bit)}
    values = [layer.in_features * layer.out_features for layer in narrow.values()]
    wide: Counter[str] = Counter()
    for name, parameter in model.named_parameters():
        if parameter.ndim > 1 and id(parameter) not in narrow and id(parameter) not in beside:
            wide[re.sub(r"\.\d+(?=\.)", ".*", name)] += parameter.numel()
    return FourBits(
        values=sum(values),
        weights=sum(values) + wide.total(),
        stored=sum(stored_bytes(count, double_quant) for count in values),
        wide=tuple(name for name, _ in wide.most_common()),
    )

"""Checks that the model in memory is exactly the one in its files, with nothing missing and nothing random."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fednode.base_model.errors import BaseModelError

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_NAMED = 3


def check_complete(source: Path, model: PreTrainedModel, report: Mapping[str, Any]) -> None:
    """Raise BaseModelError, which names the tensors, unless `source` has every tensor of the model in its shape, and no
    other tensor. `report` is what transformers says about loading `model` (`output_loading_info`, with
    `ignore_mismatched_sizes`); it fills missing tensors, and those of another shape, with random values. The report
    does not list tensors that the model's class computes or ignores, nor the shapes of weights that are put into 4
    bits.
    """
    if lacking := report["missing_keys"]:
        raise BaseModelError(
            f"{source}: the weights lack {_names(lacking)}, and nothing ties what is lacking to what is there; "
            "fetch the whole model, one that writes text: a checkpoint of another task has no lm_head"
        )
    if misshapen := [*report["mismatched_keys"], *_misshapen_in_4_bits(model)]:
        shapes = [
            f"{name} is {_shape(stored)} in the files and {_shape(wanted)} by the config"
            for name, stored, wanted in misshapen
        ]
        raise BaseModelError(
            f"{source}: the weights have other shapes than the model: {_names(shapes)}; config and weights "
            "must come from one model"
        )
    if foreign := report["unexpected_keys"]:
        raise BaseModelError(
            f"{source}: the model that its config describes has no place for {_names(foreign)} and would "
            "compute without; config and weights must come from one model"
        )


def _misshapen_in_4_bits(model: PreTrainedModel) -> Iterator[tuple[str, Sequence[int], Sequence[int]]]:
    """Name, shape and right shape of 4-bit weights, which transformers puts into a layer even if their shape is
    wrong."""
    from bitsandbytes.nn import Linear4bit

    for name, layer in model.named_modules():
        if isinstance(layer, Linear4bit):
            stored, right = tuple(layer.weight.quant_state.shape), (layer.out_features, layer.in_features)
            if stored != right:
                yield f"{name}.weight", stored, right


def _names(names: Iterable[str]) -> str:
    ordered = sorted(names)
    more = f" and {len(ordered) - _NAMED} more" if len(ordered) > _NAMED else ""
    return ", ".join(ordered[:_NAMED]) + more


def _shape(shape: Iterable[int]) -> str:
    return "x".join(map(str, shape))

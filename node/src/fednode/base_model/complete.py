"""Is the model in memory the one in its files, all of it and nothing made up?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from fednode.base_model.errors import BaseModelError

_NAMED = 3


def check_complete(source: Path, report: Mapping[str, Any]) -> None:
    """Raises BaseModelError, naming the tensors, unless `source` held every tensor of the model in its shape, and no
    other.

    `report`: transformers' of one loading (`output_loading_info`, with `ignore_mismatched_sizes`), which fills what is
    missing or has another shape with random values. What the model's class says it derives or passes over is not in it.
    """
    if lacking := report["missing_keys"]:
        raise BaseModelError(
            f"{source}: the weights lack {_names(lacking)}, and nothing ties what is lacking to what is there; "
            "fetch the whole model, one that writes text: a checkpoint of another task has no lm_head"
        )
    if misshapen := report["mismatched_keys"]:
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


def _names(names: Iterable[str]) -> str:
    ordered = sorted(names)
    more = f" and {len(ordered) - _NAMED} more" if len(ordered) > _NAMED else ""
    return ", ".join(ordered[:_NAMED]) + more


def _shape(shape: Iterable[int]) -> str:
    return "x".join(map(str, shape))

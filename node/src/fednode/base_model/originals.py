"""Reads the weights of a model from its files, one after the other, under their names in the model."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel


def originals(
    skeleton: PreTrainedModel, files: Mapping[str, Path], wanted: Collection[str]
) -> Iterator[tuple[str, torch.Tensor]]:
    """(name, weight) for each of the `wanted` weights that the files hold, as stored. Only a few are in memory at a
    time.

    `files`: the file of each stored tensor. Weights that transformers renames, splits or joins while loading are
    treated by its own rules (`core_model_loading`), but not quantised.
    """
    from safetensors import safe_open
    from transformers.conversion_mapping import get_model_conversion_mapping
    from transformers.core_model_loading import (
        WeightConverter,
        WeightRenaming,
        dot_natural_key,
        rename_source_key,
    )

    rules = get_model_conversion_mapping(skeleton)
    renamings = [rule for rule in rules if isinstance(rule, WeightRenaming)]
    converters = [rule for rule in rules if isinstance(rule, WeightConverter)]
    known = skeleton.state_dict()
    parts: dict[str, list[tuple[str, str | None]]] = {}
    for stored in sorted(files, key=dot_natural_key):
        name, pattern = rename_source_key(stored, renamings, converters, skeleton.base_model_prefix, known)
        if name not in known and stored in known:
            name, pattern = stored, None
        parts.setdefault(name, []).append((stored, pattern))

    def read(stored: str) -> torch.Tensor:
        with safe_open(files[stored], framework="pt") as content:
            tensor: torch.Tensor = content.get_tensor(stored)
        return tensor

    for name, sources in parts.items():
        stored, pattern = sources[0]
        if pattern is None:
            if name in wanted:
                yield name, read(stored)
            continue
        converter: Any = next(rule for rule in converters if pattern in rule.source_patterns)
        targets = {name.replace(converter.target_patterns[0], target) for target in converter.target_patterns}
        if targets.isdisjoint(wanted):
            continue
        converter = deepcopy(converter)
        for stored, pattern in sources:
            converter.add_tensor(name, stored, pattern, read(stored))
        for target, value in converter.convert(name, model=skeleton, config=skeleton.config).items():
            if target in wanted:
                yield target, value[0] if isinstance(value, list) else value

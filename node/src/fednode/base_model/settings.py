"""The settings of a model's config that enter its computation, as values that can be compared and written down."""

from __future__ import annotations

import dataclasses
import inspect
import json
import math
import re
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import numpy as np
from fedprotocol.base_model import Setting

IDLE = {
    # the model's name, and the program that stored it
    *("architectures", "auto_map", "tokenizer_class", "transformers_version", "dtype", "torch_dtype"),
    # what a caller requests, and how much memory it takes; the results stay the same
    *("output_attentions", "output_hidden_states", "return_dict", "use_cache", "chunk_size_feed_forward"),
    # random values from before the weights were trained
    *("initializer_range", "initializer_factor", "init_std"),
    # ids that are taken from the tokenizer, and padding, which is masked
    *("bos_token_id", "eos_token_id", "pad_token_id", "sep_token_id", "decoder_start_token_id", "forced_eos_token_id"),
    # heads of other tasks
    *("id2label", "label2id", "num_labels", "problem_type", "finetuning_task", "task_specific_params"),
    *("classifier_dropout", "summary_type", "summary_use_proj", "summary_activation", "summary_proj_to_labels"),
    "summary_first_dropout",
    # layer_types says what this decides
    "max_window_layers",
    # the digest of the weights counts a tied head once, and another head as another weight
    "tie_word_embeddings",
}
"""Settings that do not change what is computed here. All others count, also dropout, because it acts in training."""

_SHARED = ("transformers.modeling_rope_utils", "transformers.masking_utils")  # read settings for many models


def settings_of(config: Any) -> dict[str, Setting]:
    """The settings in the `config` of transformers that count, with its defaults. Parts of a setting have dotted names.

    A setting that transformers' class does not declare (config.json may hold anything) counts if the model's code names
    it, because code that does not name it does not read it. Numbers are the shortest that round to the same float32,
    because a GGUF file holds no more digits.
    """
    found: dict[str, Setting] = {}
    kind: Any = type(config)
    parts = {name for name in config.sub_configs if getattr(config, name, None) is not None}
    declared = {field.name for field in dataclasses.fields(config)} | {"model_type"}
    for name, value in config.to_dict().items():
        if name in parts or name in IDLE or name.startswith("_"):
            continue
        if name in declared or _names(kind, name):
            found.update(_flat(name, value))
    for part in parts:
        found.update({f"{part}.{name}": value for name, value in settings_of(getattr(config, part)).items()})
    return dict(sorted(found.items()))


def defaults_of(config: Any) -> dict[str, Setting]:
    """The settings that count in an empty config of the same class; empty if there cannot be such a config."""
    try:
        return settings_of(type(config)())
    except Exception:  # a class may refuse its own defaults, in any way
        return {}


def setting_differences(
    spec: Mapping[str, Setting], here: Mapping[str, Setting], defaults: Mapping[str, Setting]
) -> Iterator[str]:
    """The differences, each in a few words. If the spec does not name a setting, the transformers that wrote it did not
    know it, so its model is computed with the default.
    """
    for name in sorted(spec.keys() | here.keys(), key=lambda name: (name != "model_type", name)):
        if name not in spec and here[name] in (None, defaults.get(name)):
            continue
        if name not in here and spec[name] is None:
            continue
        if name not in spec or name not in here or _canonical(spec[name]) != _canonical(here[name]):
            yield f"{name} is {_value(spec, name)} in the spec's model, {_value(here, name)} in this one"


def _value(settings: Mapping[str, Setting], name: str) -> str:
    value = settings.get(name, "not set")
    if isinstance(value, float):
        return f"{value:g}"
    return value if isinstance(value, str) else json.dumps(value)


@cache
def _names(kind: Any, setting: str) -> bool:
    """Whether the modules that compute a model of this kind of config hold the word."""
    return any(re.search(rf"\b{re.escape(setting)}\b", code) for code in _sources(kind))


@cache
def _sources(kind: Any) -> list[str]:
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING

    modules = [kind.__module__.replace("configuration_", "modeling_"), *_SHARED]
    if kind in MODEL_FOR_CAUSAL_LM_MAPPING:
        modules.append(MODEL_FOR_CAUSAL_LM_MAPPING[kind].__module__)
    return [inspect.getsource(sys.modules[name]) for name in modules if name in sys.modules]


def _flat(name: str, value: Any) -> Iterator[tuple[str, Setting]]:
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from _flat(f"{name}.{key}", part)
    elif isinstance(value, list | tuple):
        if any(isinstance(item, Mapping | list | tuple) for item in value):
            for index, item in enumerate(value):
                yield from _flat(f"{name}.{index}", item)
        else:
            yield name, tuple(_scalar(item) for item in value)
    else:
        yield name, _scalar(value)


def _canonical(value: Setting) -> Setting:
    return tuple(map(_scalar, value)) if isinstance(value, tuple) else _scalar(value)


def _scalar(value: Any) -> bool | int | float | str | None:
    if value is None or isinstance(value, bool | int | str):
        return value
    if not isinstance(value, float) or not math.isfinite(value):
        return str(value)
    with np.errstate(over="ignore"):
        narrow = np.float32(value)
    return float(str(narrow)) if np.isfinite(narrow) else value

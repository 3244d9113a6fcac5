"""Names the options of `fednode spec` in error messages, because a sponsor has no config file and no spec yet."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from fedprotocol.complaints import complaint
from fedprotocol.errors import FedError
from fedprotocol.printable import printable
from fedprotocol.spec import SpecError, Training
from pydantic import ValidationError

LONGEST = 400  # most characters about one option

OPTIONS = {
    "name": "--name",
    "base_model": "--base-model",
    "revision": "--revision",
    "lora.r": "--rank",
    "lora.alpha": "--alpha",
    "lora.dropout": "--dropout",
    "lora.target_modules": "--target-module",
    "lora.factors": "--factors",
    "quantization.kind": "--quantization",
    "quantization.double_quant": "--double-quant",
    "quantization.compute_dtype": "--compute",
    "prompt.template": "--template",
    "prompt.join": "--join",
    "prompt.turns": "--turns",
    "prompt.chat_template": "--template",
    **{f"training.{name}": f"--{name.replace('_', '-')}" for name in Training.model_fields},
    "evaluation.classes": "--class",
    "bounds.max_shift": "--max-shift",
    "bounds.max_norm": "--max-norm",
    "bounds.min_norm": "--min-norm",
    "layout.leaf_values": "--leaf-values",
    "layout.mantissa_bits": "--bits",
    "layout.tensors": "--target-module",
    "privacy.noise": "--min-noise",
    "rule": "--rule",
    "server_lr": "--server-lr",
    "seed": "--seed",
}
"""The spec's field that an option fills."""

_IN_MESSAGES = {
    **{field: option for field, option in OPTIONS.items() if "." in field},
    "[model] source": "--source",
    "[model] device": "--device",
    "[model] threads": "--threads",
    "the learning rate of the spec": "--learning-rate",
}
_NAMES = re.compile(
    "|".join(rf"(?<!\w){re.escape(name)}(?!\w)" for name in sorted(_IN_MESSAGES, key=len, reverse=True))
)
_WORDS = {"server_lr": "must be above 0 and at most 2"}  # the spec's unit is another


def in_options(message: str) -> str:
    """A node's message, with the options of this command in place of a node's settings and a spec's fields."""
    return _NAMES.sub(lambda found: _IN_MESSAGES[found.group()], message)


@contextmanager
def options_named() -> Iterator[None]:
    """Around code that checks a spec: errors become a SpecError that names options."""
    try:
        yield
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False)
        wrong = {problem["loc"][:-1] for problem in problems}  # of which an item is wrong: too few says nothing then
        told = [problem for problem in problems if problem["type"] != "too_short" or problem["loc"] not in wrong]
        lines = [printable(f"  {_complaint(problem)}", LONGEST) for problem in told]
        raise SpecError("\n".join(["no spec can be made of this:", *lines])) from error
    except FedError as error:
        raise SpecError(in_options(str(error))) from error


def _complaint(problem: Any) -> str:
    field = _field(problem["loc"])
    said = complaint(problem)
    if not field:
        return in_options(said)
    return f"{OPTIONS[field]}: {_WORDS.get(field, in_options(said))}"


def _field(location: Sequence[str | int]) -> str:
    """The field of `OPTIONS` that a place in the choices, or in a part of the spec, is in; empty: none."""
    path = ".".join(map(str, location))
    for field in OPTIONS:
        if path == field or path.startswith(f"{field}."):
            return field
    ends = {field.rpartition(".")[2]: field for field in OPTIONS}  # for a part that was checked separately
    return ends.get(str(location[0]), "") if location else ""

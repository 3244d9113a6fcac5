"""The compiled ABIs that ship with the package, and how values are decoded by them (`tools/export_abi.py` writes the
files)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from enum import IntEnum
from functools import cache
from importlib.resources import files
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

WORD = 32  # bytes, of which the ABI makes everything

T = TypeVar("T")
Entry = Mapping[str, Any]


@cache
def load(name: str) -> Any:
    """The shipped JSON file `name`: an ABI (coordinator, disputes, rule, erc20, errors, lens), lens_code or code."""
    return json.loads(files("fedprotocol.chain").joinpath("abi", f"{name}.json").read_text())


@cache
def entry(abi: str, kind: str, name: str) -> Entry:
    """The one ABI entry of `kind` ("function", "event", "error") called `name`."""
    return next(e for e in load(abi) if e["type"] == kind and e["name"] == name)


@cache
def snake(name: str) -> str:
    """Turns lastOpened into last_opened. A trailing underscore, which avoids a Solidity keyword, is dropped."""
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower().rstrip("_")


def named(components: Sequence[Entry], values: Sequence[Any]) -> dict[str, Any]:
    """Decoded ABI values under their snake_case names."""
    return {snake(c["name"]): v for c, v in zip(components, values, strict=True)}


def struct(cls: type[T], component: Entry, value: Sequence[Any]) -> T:
    """A dataclass made from a decoded ABI tuple, field by field in order of their names; enums and nested structs are
    built from the type hints."""
    given = named(component["components"], value)
    inner = {snake(c["name"]): c for c in component["components"]}
    return cls(**{name: convert(hint, inner[name], given[name]) for name, hint in _hints(cls).items()})  # type: ignore[arg-type]


@cache
def _hints(cls: type) -> dict[str, Any]:
    return get_type_hints(cls)


def convert(hint: Any, component: Entry, value: Any) -> Any:
    """One decoded ABI value as the Python type `hint` says."""
    if get_origin(hint) is tuple:
        return tuple(convert(get_args(hint)[0], component, v) for v in value)
    if "components" in component:
        return struct(hint, component, value)
    if issubclass(hint, IntEnum):
        return hint(value)
    return value

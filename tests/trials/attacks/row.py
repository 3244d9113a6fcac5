"""One attack as the runner sees it, and where the attacks are found."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from attacks import rows

if TYPE_CHECKING:
    from attacks.arena import Arena


@dataclass(frozen=True)
class Row:
    """`run` carries the attack out and says what happened; it raises if the attack did not take place as meant."""

    name: str
    title: str
    description: str
    run: Callable[[Arena], str]
    place: int = 0  # in the table
    goes_on: bool = True  # a later round must become final


def all_rows() -> list[Row]:
    """Every module of `attacks.rows`, in the order of the table."""
    names = [module.name for module in pkgutil.iter_modules(rows.__path__)]
    return sorted(map(_load, names), key=lambda row: (row.place, row.name))


def _load(name: str) -> Row:
    module = importlib.import_module(f"attacks.rows.{name}")
    description = " ".join((module.__doc__ or "").split())
    assert description, f"{module.__file__} needs a docstring: one sentence that describes the attack"
    return Row(name, module.TITLE, description, module.run, module.PLACE, getattr(module, "GOES_ON", True))

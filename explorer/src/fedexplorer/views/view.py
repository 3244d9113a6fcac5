"""What a page is: one model with three faces. The template shows it to people, `/api` gives it as JSON, and its tables
are there as CSV."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, PlainSerializer

from fedexplorer.errors import NotThere

if TYPE_CHECKING:
    from fedexplorer.views.site import Site

__all__ = ["Anything", "Csv", "Hex", "Model", "Named", "NotThere", "Parameters", "View"]

_Enum = TypeVar("_Enum", bound=IntEnum)


def as_json(value: Any) -> Any:
    """`value` as JSON has it: bytes as `0x…`, the contract's enums by name."""
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, IntEnum):
        return value.name.lower()
    if isinstance(value, Mapping):
        return {key: as_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(item) for item in value]
    return value


Hex = Annotated[bytes, PlainSerializer(as_json, return_type=str, when_used="json")]
"""Bytes; in JSON `0x` and hexadecimal digits."""

Named = Annotated[_Enum, PlainSerializer(as_json, return_type=str, when_used="json")]
"""One of the contract's enums; in JSON its name in small letters."""

Anything = Annotated[Any, PlainSerializer(as_json, when_used="json")]
"""Values that the ABI decodes."""

Parameters = Mapping[str, Any]
"""The values of a page's parameters, by name."""


class Model(BaseModel):
    """What a page shows: money in token units, times in seconds since 1970. Bytes are `Hex`, enums `Named`."""

    model_config = ConfigDict(frozen=True)


@dataclass(frozen=True)
class Csv:
    """A table of a page: the names of its columns, and its rows, which may be made as they are read."""

    header: Sequence[str]
    rows: Iterable[Sequence[object]]


def _only_one(_: Site) -> Iterable[Parameters]:
    return ({},)


def _nowhere(_: Any) -> None:
    return None


@dataclass(frozen=True)
class View:
    """A page.

    Args:
        name: what links and templates call it; its template is `<name>.html`.
        path: its address, with its parameters in braces as FastAPI writes them: `/rounds/{number}`.
        build: makes its model from the site and its parameters. Parameters that are not in `path` are taken from the
            query. Annotations say their types and bounds. It raises NotThere if there is no such page.
        tables: the page's tables by name. The table "" is at `<path>.csv`, others at `<path>/<name>.csv`.
        pages: the parameters of every page of this kind that an export should have.
        goes_to: the name and parameters of another page, to which a browser is sent instead; None to stay.
    """

    name: str
    path: str
    build: Callable[..., Model]
    tables: Mapping[str, Callable[[Any], Csv]] = field(default_factory=dict)
    pages: Callable[[Site], Iterable[Parameters]] = _only_one
    goes_to: Callable[[Any], tuple[str, Parameters] | None] = _nowhere

    @property
    def template(self) -> str:
        return f"{self.name}.html"

    @property
    def api_path(self) -> str:
        """The address of its JSON."""
        return "/api" + (self.path if self.path != "/" else "/federation")

    def csv_path(self, table: str) -> str:
        """The address of one of its tables."""
        base = self.path.rstrip("/")
        return f"{base}/{table}.csv" if table else f"{base}.csv"

"""Values in a record by name. A name may be a path: `input.question`, `answers.text.0`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_MOST_DIGITS = 9


def splits(path: str) -> Iterator[tuple[str, str]]:
    """The ways in which a name leads into a record: a name of its own, and what is left behind it. The longest name
    comes first, because names may have dots."""
    yield path, ""
    at = path.rfind(".")
    while at >= 0:
        yield path[:at], path[at + 1 :]
        at = path.rfind(".", 0, at)


def value_at(record: Mapping[str, Any], path: str) -> Any:
    """The value at `path`: a column of just this name, else what the path leads to; None if it leads nowhere."""
    if path in record or "." not in path:  # nearly always, and asked for every row
        return record.get(path)
    return _follow(record, path, "")[0]


def absence(record: Mapping[str, Any], path: str) -> str:
    """Where a path leads no further; empty if it is the name of a column, or leads to a value."""
    return "" if path in record or "." not in path else _follow(record, path, "")[1]


def is_index(part: str) -> bool:
    """Whether a part of a path counts the items of a list, from 0."""
    return part.isascii() and part.isdecimal() and len(part) <= _MOST_DIGITS


def _follow(value: Any, path: str, where: str) -> tuple[Any, str]:
    """The value, or None and why there is none."""
    here = where or "the row"
    if isinstance(value, Mapping):
        for name, rest in splits(path):
            if name in value:
                return _follow(value[name], rest, f"{where}.{name}" if where else name) if rest else (value[name], "")
        return None, f"{here} has no {path.partition('.')[0]}"
    first, _, rest = path.partition(".")
    if isinstance(value, list) and is_index(first):
        if int(first) >= len(value):
            return None, f"{here} has {len(value)} item{'' if len(value) == 1 else 's'}"
        item = value[int(first)]
        return _follow(item, rest, f"{where}.{first}") if rest else (item, "")
    kind = "empty" if value is None else "a list" if isinstance(value, list) else "no object and no list"
    return None, f"{here} is {kind}"

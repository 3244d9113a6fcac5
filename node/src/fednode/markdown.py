"""Puts text that others chose into a Markdown page so that it is shown unchanged, and never becomes a link, a tag or
the end of a table."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from fedprotocol.printable import printable

_MEANT = re.compile(r"[\\`*_\[\]<>|&]")
_TICKS = re.compile(r"`+")
_ESCAPED_BAR = r"\\|"  # as a replacement
_BAR = re.compile(r"(?<!\\)\|")


def plain(text: str) -> str:
    """One line of words: what Markdown or HTML would read as more is escaped."""
    return _MEANT.sub(lambda found: "&lt;" if found.group() == "<" else "\\" + found.group(), printable(text))


def code(text: str) -> str:
    """Inline code, also in a table's cell."""
    shown = printable(text).replace("|", r"\|")
    ticks = _fence(shown, 1)
    pad = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{ticks}{pad}{shown}{pad}{ticks}"


def block(text: str) -> str:
    """A block of code with the lines of `text`; it ends where `text` does, whatever that holds."""
    lines = [printable(line) for line in text.split("\n")]
    ticks = _fence(text, 3)
    return "\n".join([ticks, *lines, ticks])


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table, numbers to the right. Cells are Markdown, in which nothing ends a cell."""
    lines = [_row(head), "|" + "---|" + "---:|" * (len(head) - 1), *map(_row, rows)]
    return "\n".join(lines) + "\n"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(_BAR.sub(_ESCAPED_BAR, printable(cell)) for cell in cells)} |"


def _fence(text: str, least: int) -> str:
    return "`" * max([least, *(len(run) + 1 for run in _TICKS.findall(text))])

"""Tables for people: plain columns that fit the terminal, and whole values where nobody reads them on a screen."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fedprotocol.printable import printable
from rich.cells import cell_len

GAP = "  "
MARGIN = "    "
LEFT_OUT = "left out for lack of room: {}; a wider terminal or a pipe shows all"


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes:
        rank: where there is no room, columns of the highest rank are left out first; those of rank 0 never are.
        right: numbers stand on the right.
        short: where there is no room, the middle of a CID or an address is left out.
        below: where there is no room, its text stands under the row; only the last column's may.
    """

    name: str
    rank: int = 0
    right: bool = False
    short: bool = False
    below: bool = False


@dataclass(frozen=True)
class Table:
    """`rows`: a cell for each column."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[str]]
    title: str = ""

    def lines(self, width: int | None) -> list[str]:
        """At most `width` characters each, unless a value alone is longer; None: nothing is cut or left out."""
        if not self.rows:
            return [f"{self.title} none yet"]
        columns, rows = list(self.columns), [list(map(printable, row)) for row in self.rows]
        out: list[str] = []
        if width is not None and _needed(columns, rows) > width:
            rows = [
                [shortened(cell) if column.short else cell for column, cell in zip(columns, row, strict=True)]
                for row in rows
            ]
            if columns[-1].below and _needed(columns, rows) > width:
                return self._with_below(columns, rows, width)
            while _needed(columns, rows) > width and (least := max(columns, key=lambda column: column.rank)).rank:
                at = columns.index(least)
                out.append(columns.pop(at).name)
                rows = [row[:at] + row[at + 1 :] for row in rows]
        names = [name for name in (column.name for column in self.columns) if name in out]
        note = textwrap.wrap(LEFT_OUT.format(", ".join(names)), width or 80) if names else []
        return [*_titled(self.title), *_aligned(columns, rows), *note]

    def _with_below(self, columns: list[Column], rows: list[list[str]], width: int) -> list[str]:
        heads = _aligned(columns[:-1], [row[:-1] for row in rows])
        below = [wrapped(row[-1], width, MARGIN, MARGIN) if row[-1] else [] for row in rows]
        under = [line for head, more in zip(heads[1:], below, strict=True) for line in (head, *more)]
        return [*_titled(self.title), heads[0], *under]


@dataclass(frozen=True)
class Facts:
    """What is called what, a line each."""

    title: str
    facts: Mapping[str, str]

    def lines(self, width: int | None) -> list[str]:
        """As of a Table."""
        label = max(map(len, self.facts), default=0)
        lines = []
        for name, value in self.facts.items():
            before = f"{name:<{label}}{GAP}"
            lines += wrapped(value, width, before, " " * len(before))
        return [*_titled(self.title), *lines]


def show(*parts: Table | Facts) -> None:
    """Print them, an empty line between two."""
    from fedprotocol.program.terminal import say

    width = terminal_width()
    for number, part in enumerate(parts):
        say(*([""] if number else []), *part.lines(width))


def terminal_width() -> int | None:
    """Characters of a line of the terminal; None if standard output is none."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def shortened(text: str) -> str:
    """A CID or an address by its ends: `bafy…cv6dfi`, `0x5F86…59a8EE`."""
    head = 6 if text.startswith("0x") else 4
    return text if len(text) <= head + 7 else f"{text[:head]}…{text[-6:]}"


def wrapped(text: str, width: int | None, first: str, others: str) -> list[str]:
    """`text` in lines that break between words alone: what is copied from a terminal is whole."""
    if width is None:
        return [first + printable(text)]
    return textwrap.wrap(
        printable(text),
        width,
        initial_indent=first,
        subsequent_indent=others,
        break_long_words=False,
        break_on_hyphens=False,
    ) or [first.rstrip()]


def _titled(title: str) -> list[str]:
    return [printable(title)] if title else []


def _widths(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> list[int]:
    return [max([len(column.name), *(cell_len(row[at]) for row in rows)]) for at, column in enumerate(columns)]


def _needed(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> int:
    return sum(_widths(columns, rows)) + len(GAP) * (len(columns) - 1)


def _aligned(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> list[str]:
    """The names and then every row."""
    widths = _widths(columns, rows)

    def line(cells: Sequence[str]) -> str:
        padded = []
        for column, cell, width in zip(columns, cells, widths, strict=True):
            room = " " * (width - cell_len(cell))
            padded.append(room + cell if column.right else cell + room)
        return GAP.join(padded).rstrip()

    return [line([column.name for column in columns]), *map(line, rows)]

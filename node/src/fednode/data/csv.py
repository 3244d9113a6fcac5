"""CSV: a header that names prompt, completion and perhaps domain, then records; separated as Excel does anywhere."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Any

from fednode.data.columns import Columns
from fednode.data.layouts import CONVERSATIONS, INSTRUCTION
from fednode.data.rows import MESSAGES, REST_LOST, name_columns
from fednode.data.source import Source

_LONGEST_FIELD = 1 << 24  # characters; csv's own limit of 131,072 is too short for documents
_SEPARATORS = (",", ";", "\t", "|")
_SEPARATOR_LINE = re.compile(r"sep=(.)\r?\n?\Z", re.IGNORECASE)  # Excel's


def csv_records(source: Source) -> Iterator[tuple[int, Mapping[str, Any] | str]]:
    """Line numbers, each with its record or with what is wrong with it. Raises OSError, DataError."""
    with source.text() as text:
        lines = _Lines(text)
        try:
            yield from _records(lines, source.columns)
        except UnicodeDecodeError:
            yield source.first_unread()


def _records(lines: _Lines, columns: Columns) -> Iterator[tuple[int, Mapping[str, Any] | str]]:
    csv.field_size_limit(_LONGEST_FIELD)
    header: Sequence[str] | None = None
    first = next((line for line in lines if line.strip()), "")
    if named := _SEPARATOR_LINE.match(first):
        separator = named[1]
        lines.begin()
    else:
        separator = _separator(first, columns)
        lines.again(first)
    reader = csv.reader(lines, delimiter=separator, strict=True)
    while True:
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield _unread(lines, separator, error)
            return
        number = lines.begin()
        if not fields:
            continue
        if header is None:
            header = [name.strip() for name in fields]
            if wrong := header_problem(header, columns):
                yield number, wrong
                return
        elif len(fields) != len(header):
            until = f" and ends in line {lines.number}" if lines.number > number else ""
            yield number, f"has another number of fields than the header: {len(fields)}, not {len(header)}{until}"
        else:
            yield number, record_of(header, fields)


def header_problem(header: Sequence[str], columns: Columns) -> str | None:
    wanted = (*columns.texts, columns.domain)
    if doubled := [name for name in wanted if header.count(name) > 1]:
        return f"the header has two columns named {doubled[0]}; it names: {', '.join(header)}"
    absent = [name for name in columns.texts if name not in header]
    if absent and not {INSTRUCTION[0], INSTRUCTION[-1]} <= set(header):
        return (
            f"the header has no column {' and '.join(absent)}; it names: {', '.join(header)}; {name_columns(columns)}"
        )
    return None


def record_of(header: Sequence[str], values: Sequence[Any]) -> dict[str, Any]:
    """A row's values by the names of their columns. A table has no lists, so columns named like lists are ignored."""
    return {name: value for name, value in zip(header, values, strict=False) if name not in (MESSAGES, CONVERSATIONS)}


def _separator(first: str, columns: Columns) -> str:
    """The one by which the header has the columns that it must; else by which it has the most."""
    headers = {separator: _fields(first, separator) for separator in _SEPARATORS}
    for wanted in (columns.texts, (INSTRUCTION[0], INSTRUCTION[-1])):
        for separator, names in headers.items():
            if set(wanted) <= set(names):
                return separator
    return max(_SEPARATORS, key=lambda separator: len(headers[separator]))


def _fields(line: str, separator: str) -> list[str]:
    try:
        return [name.strip() for name in next(csv.reader([line], delimiter=separator), [])]
    except csv.Error:
        return []


def _unread(lines: _Lines, separator: str, error: csv.Error) -> tuple[int, str]:
    """The line where the quotation mark opens that is in the way, if one does."""
    opened = _open_quote(lines.held, separator)
    number = lines.first + (opened or 0)
    if opened is None:
        return number, f"is not valid CSV, {REST_LOST}: {error}"
    return number, (
        f"is not valid CSV, {REST_LOST}: a quotation mark opens here and is not closed as it must "
        f'be; within quotation marks write "" for each ({error})'
    )


def _open_quote(lines: Sequence[str], separator: str) -> int | None:
    """Index of the line where the field opens that a record ends in, or breaks off behind; None: it is not quoted."""
    opened, state = 0, "start"
    for index, line in enumerate(lines):
        for character in line:
            ends = character in (separator, "\r", "\n")
            if state == "quoted":
                state = "closed" if character == '"' else state
            elif state == "closed" and character == '"':
                state = "quoted"
            elif state == "closed" and not ends:
                return opened
            elif state == "start" and character == '"':
                opened, state = index, "quoted"
            else:
                state = "start" if ends else "plain"
    return opened if state == "quoted" else None


class _Lines(Iterator[str]):
    """The lines of a file; `held`: those since `begin`, the first of which is line `first`; `number`: of the last."""

    def __init__(self, text: IO[str]) -> None:
        self._text = text
        self._again: list[str] = []
        self.number = 0
        self.first = 1
        self.held: list[str] = []

    def __next__(self) -> str:
        line = self._again.pop() if self._again else next(self._text)
        self.number += 1
        self.held.append(line)
        return line

    def begin(self) -> int:
        """Forget what was held, a record; the number of its first line."""
        first, self.first, self.held = self.first, self.number + 1, []
        return first

    def again(self, line: str) -> None:
        """The last line once more, as the first of a record."""
        if self.held:
            self._again.append(line)
            self.number -= 1
        self.first, self.held = self.number + 1, []

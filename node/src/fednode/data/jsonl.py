"""JSON: one object a line, or one array of objects."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import IO, Any

from fednode.data.rows import REST_LOST
from fednode.data.source import Source

_BLOCK = 1 << 14  # characters; doubled while one value is longer
_START = 1 << 12  # bytes, by which a file is told to be an array
_DEEP = "is not valid JSON: nested too deep or a number too long"

Records = Iterator[tuple[int, Mapping[str, Any] | str]]


def is_array(source: Source) -> bool:
    """Whether a file of JSON begins with `[`."""
    start = source.first(_START).decode(source.encoding(), errors="ignore")
    return start.lstrip().startswith("[")


def line_records(source: Source) -> Records:
    """Line numbers, each with its object or with what is wrong with it. Raises OSError, DataError."""
    for number, line in enumerate(source.lines(), start=1):
        if not line.strip():
            continue
        if isinstance(line, bytes):
            yield number, source.not_text(line)
            continue
        try:
            value = json.loads(line)
        except json.JSONDecodeError as error:
            yield number, f"is not valid JSON: {error.msg} (column {error.colno})"
        except (RecursionError, ValueError):
            yield number, _DEEP
        else:
            yield number, _object(value)


def item_records(source: Source) -> Records:
    """Items of the array from 1, each with its object or with what is wrong with it. Raises OSError, DataError."""
    with source.text() as text:
        array, number = _Array(text), 0
        while True:
            try:
                found, value = array.next()
            except json.JSONDecodeError as error:
                yield number + 1, f"is not valid JSON, {REST_LOST}: {error.msg}"
                return
            except (RecursionError, ValueError) as error:
                wrong = source.first_unread()[1] if isinstance(error, UnicodeDecodeError) else _DEEP
                yield number + 1, wrong
                return
            if not found:
                return
            number += 1
            yield number, _object(value)


def _object(value: object) -> Mapping[str, Any] | str:
    return value if isinstance(value, dict) else "is not a JSON object"


class _Array:
    """The items of a JSON array, without the whole of it in memory."""

    def __init__(self, text: IO[str]) -> None:
        self._text = text
        self._decoder = json.JSONDecoder()
        self._held, self._at, self._ended = "", 0, False
        self._begun = False

    def next(self) -> tuple[bool, Any]:
        """Whether there is another item, and the item. Raises JSONDecodeError, ValueError, RecursionError."""
        if not self._begun:
            self._expect("[")
            self._begun = True
            if self._peek() == "]":
                return self._end()
        elif self._peek() == "]":
            return self._end()
        else:
            self._expect(",")
        self._peek()
        block = _BLOCK
        while True:
            try:
                value, end = self._decoder.raw_decode(self._held, self._at)
            except json.JSONDecodeError:
                if not self._more(block):
                    raise
                block *= 2
                continue
            if end < len(self._held) or not self._more(block):  # a number could go on
                self._at = end
                return True, value
            block *= 2

    def _end(self) -> tuple[bool, Any]:
        self._expect("]")
        if self._peek():
            raise json.JSONDecodeError("text after the end of the array", self._held, self._at)
        return False, None

    def _expect(self, character: str) -> None:
        if self._peek() != character:
            raise json.JSONDecodeError(f"Expecting '{character}'", self._held, self._at)
        self._at += 1

    def _peek(self) -> str:
        """The next character that is no white space, empty at the end."""
        while True:
            while self._at < len(self._held) and self._held[self._at] in " \t\r\n":
                self._at += 1
            if self._at < len(self._held):
                return self._held[self._at]
            if not self._more(_BLOCK):
                return ""

    def _more(self, count: int) -> bool:
        if not self._ended:
            block = self._text.read(count)
            self._ended = not block
            self._held, self._at = self._held[self._at :] + block, 0
        return not self._ended

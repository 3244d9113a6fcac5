"""A data file as it lies there: unpacked, its encoding recognised, and how much of it has been read."""

from __future__ import annotations

import io
import shlex
from codecs import getincrementaldecoder
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO

from fedprotocol.files.text import BOM
from fedprotocol.printable import printable

from fednode.data import packed
from fednode.data.columns import Columns
from fednode.data.likely_encoding import NAMES, likely_encoding
from fednode.data.room import Room
from fednode.data.rows import DataError
from fednode.encodings import keeps_ascii

_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_SAMPLE = 1 << 16  # bytes
_SAMPLE_LINES = 2000
_AROUND = 20  # characters that are shown before and behind one that tells the encoding

Progress = Callable[[int, int], None]
"""Told how much was read, of how much: bytes of the file, or rows."""


class Source:
    """`columns`: what it calls its columns, and its encoding; None there: UTF-8, or what a byte-order mark says.
    `remarks`: what a reader found out about the file by itself, for a person."""

    def __init__(self, path: Path, columns: Columns | None = None) -> None:
        self.path = path
        self.columns = columns or Columns()
        self.remarks: list[str] = []
        self.read_so_far = 0
        self.size = path.stat().st_size  # of what `read_so_far` counts
        self._encoding: str | None = None
        self._guessed: tuple[str | None, ...] = ()  # the probable encoding, once it was looked for
        self._raw: BinaryIO | None = None

    def position(self) -> tuple[int, int]:
        """As `Progress` is told."""
        return (self.read_so_far if self._raw is None else self._raw.tell()), self.size

    def first(self, count: int) -> bytes:
        """The first bytes of the file, unpacked."""
        with self.unpacked() as stream:
            return stream.read(count)

    @contextmanager
    def unpacked(self) -> Iterator[BinaryIO]:
        """Its bytes, without the packing of gzip or zstd. Raises OSError; reading raises DataError for far too many."""
        with self.path.open("rb") as raw:
            self._raw = raw
            with packed.unpacked(raw, Room(self.path)) as stream:
                yield stream
            self.read_so_far, self._raw = self.size, None

    def lines(self) -> Iterator[str | bytes]:
        """The text without a byte-order mark, each line with the line feed that ends it; as bytes where these are not
        text in the file's encoding."""
        encoding = self.encoding().removesuffix("-sig")
        with self.unpacked() as stream:
            if not keeps_ascii(encoding):
                yield from io.TextIOWrapper(stream, encoding, newline="\n")
                return
            first = stream.readline().removeprefix(BOM)
            for line in chain([first] if first else [], stream):
                try:
                    yield line.decode(encoding)
                except UnicodeDecodeError:
                    yield line

    @contextmanager
    def text(self) -> Iterator[io.TextIOWrapper]:
        """Its characters, with line ends as they are. Reading raises UnicodeDecodeError, which `first_unread`
        explains."""
        encoding = self.encoding()
        with self.unpacked() as stream, io.TextIOWrapper(stream, encoding, newline="") as text:
            yield text

    def encoding(self) -> str:
        """Python's name of it. Raises DataError for UTF-16 without a byte-order mark, and for UTF-8 that is said to be
        something else."""
        if self._encoding is None:
            self._encoding = self._found()
        return self._encoding

    def _found(self) -> str:
        start, said = self.first(_SAMPLE), self.columns.encoding
        if start.startswith(BOM):
            return "utf-8-sig"
        if start.startswith(_UTF16):
            return "utf-16"
        if said is not None:
            is_named = _is_utf8_name(said) or not keeps_ascii(said)
            if not is_named and not start.isascii() and _is_utf8(start):
                raise DataError(f"{self.path}: is UTF-8 text, not {said}: leave [data] encoding out, or --encoding")
            return "utf-8-sig" if _is_utf8_name(said) else said
        if b"\0" in start[:2] and start[:4].strip(b"\0"):
            kind = "utf-16-be" if start[:1] == b"\0" else "utf-16-le"
            raise DataError(f"{self.path}: seems to be UTF-16 without a byte-order mark: {self._ways_out(kind)}")
        return "utf-8-sig"

    def first_unread(self) -> tuple[int, str]:
        """The first line that is not text in the file's encoding, and what is wrong with it."""
        number = 0
        for number, line in enumerate(self.lines(), start=1):
            if isinstance(line, bytes):
                return number, self.not_text(line)
        return number, f"is not text in {self.encoding()}: export the file again, as UTF-8"

    def not_text(self, line: bytes) -> str:
        """What is wrong with a line that could not be decoded, and what encoding the file probably has."""
        encoding = self.encoding()
        try:
            line.decode(encoding)
        except UnicodeDecodeError as error:
            where = f"byte {error.start + 1} of the line"
        else:
            where = "its end"
        if not _is_utf8_name(encoding):
            return f"is not {encoding} text: {where}; it has another encoding, or is damaged"
        likely = self._likely_encoding(line)
        if likely is None:
            return (
                f"is not UTF-8 text: {where}; save the file as UTF-8, or say which encoding it has ([data] encoding in "
                "the config, --encoding for this command)"
            )
        return (
            f"is not UTF-8, and seems to be text of {NAMES[likely]} ({likely}): in that it reads "
            f"“{_excerpt(line.decode(likely, errors='replace'))}”; if this is right, {self._ways_out(likely)}"
        )

    def _likely_encoding(self, line: bytes) -> str | None:
        """The encoding that the file probably has, by `line` and its first lines that are no UTF-8. It is found out
        once: a file may have a million such lines."""
        if not self._guessed:
            self._guessed = (likely_encoding(line + self._strange_lines()),)
        return self._guessed[0]

    def _strange_lines(self) -> bytes:
        """The first lines that are no UTF-8."""
        with self.unpacked() as stream:
            return b"".join(line for line in islice(stream, _SAMPLE_LINES) if not _is_utf8(line))[:_SAMPLE]

    def _ways_out(self, encoding: str) -> str:
        """How to have a file read in its encoding, and the command that makes UTF-8 of it."""
        out = self.path.with_name(self.path.name.partition(".")[0] + "-utf8.jsonl")
        return (
            f'say so with encoding = "{encoding}" in [data] (--encoding {encoding} for this command), or convert it: '
            f"fednode data convert {shlex.quote(str(self.path))} {shlex.quote(str(out))} --encoding {encoding}"
        )


def _is_utf8(content: bytes) -> bool:
    """Whether it is UTF-8, perhaps cut off in a character."""
    try:
        getincrementaldecoder("utf-8")().decode(content)
    except UnicodeDecodeError:
        return False
    return True


def _is_utf8_name(encoding: str) -> bool:
    return encoding.lower().replace("_", "-") in ("utf-8", "utf8", "utf-8-sig")


def _excerpt(text: str) -> str:
    """What stands around the first character that is not ASCII."""
    at = next((index for index, character in enumerate(text) if character > "\x7f"), 0)
    return printable(text[max(0, at - _AROUND) : at + _AROUND].strip())

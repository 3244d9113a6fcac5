"""A data file as it lies there: unpacked, its encoding recognised, and how much of it has been read."""

from __future__ import annotations

import gzip
import io
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from fedprotocol.files.text import BOM

from fednode.data.columns import Columns
from fednode.data.room import Room
from fednode.data.rows import DataError

GZIP = b"\x1f\x8b"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_BLOCK = 1 << 16

Progress = Callable[[int, int], None]
"""Told how much was read, of how much: bytes of the file, or rows."""


class Source:
    """`encoding`: of its text; None: UTF-8, or what a byte-order mark says. `columns`: what it calls its columns."""

    def __init__(self, path: Path, columns: Columns | None = None, encoding: str | None = None) -> None:
        self.path = path
        self.columns = columns or Columns()
        self.read_so_far = 0
        self.size = path.stat().st_size  # of what `read_so_far` counts
        self._encoding = encoding
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
        """Its bytes, without gzip's packing. Raises OSError; reading raises DataError for far too many."""
        with self.path.open("rb") as raw:
            if not raw.peek(len(GZIP)).startswith(GZIP):
                self._raw = raw
                yield raw
            else:
                self._raw = raw
                with gzip.GzipFile(fileobj=raw) as file:
                    yield io.BufferedReader(_Unpacked(file, Room(self.path)), _BLOCK)
            self.read_so_far, self._raw = self.size, None

    def lines(self) -> Iterator[bytes]:
        """As UTF-8, without a byte-order mark, each with the line feed that ends it; bytes that are no UTF-8 stay."""
        encoding = self.encoding()
        with self.unpacked() as stream:
            if encoding in ("utf-8", "utf-8-sig"):
                first = stream.readline()
                yield first.removeprefix(BOM)
                yield from stream
            else:
                for line in io.TextIOWrapper(stream, encoding, newline="\n"):
                    yield line.encode("utf-8", "surrogatepass")

    @contextmanager
    def text(self) -> Iterator[io.TextIOWrapper]:
        """Its characters, with line ends as they are. Reading raises UnicodeDecodeError, which `not_text` explains."""
        encoding = self.encoding()
        with self.unpacked() as stream, io.TextIOWrapper(stream, encoding, newline="") as text:
            yield text

    def encoding(self) -> str:
        """Python's name of it. Raises DataError for UTF-16 without a byte-order mark."""
        if self._encoding is not None:
            return self._encoding
        start = self.first(len(BOM) + 1)
        if start.startswith(_UTF16):
            return "utf-16"
        if b"\0" in start[:2] and start.strip(b"\0"):
            kind = "utf-16-be" if start[:1] == b"\0" else "utf-16-le"
            raise DataError(f"{self.path}: seems to be UTF-16 without a byte-order mark: {self.convert(kind)}")
        return "utf-8-sig"

    def convert(self, encoding: str) -> str:
        """The command that makes UTF-8 of a file."""
        out = self.path.with_name(self.path.name.partition(".")[0] + "-utf8.jsonl")
        return f"fednode data convert {shlex.quote(str(self.path))} {shlex.quote(str(out))} --encoding {encoding}"

    def not_text(self) -> tuple[int, str]:
        """The first line that is not in the file's encoding, and what is wrong with it."""
        number, encoding = 0, self.encoding()
        with self.unpacked() as stream:
            for number, line in enumerate(stream, start=1):
                try:
                    if encoding.startswith("utf-8"):
                        line.decode("utf-8")
                except UnicodeDecodeError as error:
                    return number, self.not_utf8(error)
        return number, f"is not text in {encoding}: export the file again, as UTF-8"

    def not_utf8(self, error: UnicodeDecodeError) -> str:
        """What is wrong with a line that could not be decoded."""
        return (
            f"is not UTF-8 text: byte {error.start + 1} of the line; save the file as UTF-8, or if a Windows program "
            f"wrote it: {self.convert('cp1252')}"
        )


class _Unpacked(io.RawIOBase):
    """What gzip unpacks, as far as there is room for it."""

    def __init__(self, file: gzip.GzipFile, room: Room) -> None:
        self._file = file
        self._room = room

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = self._file.readinto(buffer)
        self._room.take(count)
        return count

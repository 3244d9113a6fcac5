"""Files that are packed by gzip or zstd, known by how they begin, and never unpacked to more than there is room for."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

from fednode.data.room import Room

ENDINGS = (".gz", ".zst", ".zstd")
_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_SKIPPABLE = b"\x2a\x4d\x18"
"""Bytes 2 to 4 of a frame of zstd that holds no data; pzstd writes one first. RFC 8878, section 3.1.2."""
_BLOCK = 1 << 16


@contextmanager
def unpacked(raw: io.BufferedReader, room: Room) -> Iterator[BinaryIO]:
    """What `raw` holds: as it is, if it is not packed. Reading raises DataError where there is no room, and OSError for
    what is damaged or not whole."""
    start = raw.peek(4)[:4]
    if start.startswith(_GZIP):
        with gzip.GzipFile(fileobj=raw) as file:
            yield io.BufferedReader(_WithRoom(file, room), _BLOCK)
    elif start == _ZSTD or (start[1:] == _SKIPPABLE and 0x50 <= start[0] <= 0x5F):
        import pyarrow as pa

        yield io.BufferedReader(_WithRoom(pa.CompressedInputStream(raw, "zstd"), room), _BLOCK)
    else:
        yield raw


class _WithRoom(io.RawIOBase):
    """What a library unpacks, as far as there is room for it."""

    def __init__(self, file: Any, room: Room) -> None:
        self._file = file
        self._room = room

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = int(self._file.readinto(buffer))
        self._room.take(count)
        return count

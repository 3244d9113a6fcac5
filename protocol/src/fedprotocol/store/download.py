"""A streamed answer as a file that ends in an error, never in silence, when it stalls or takes too long."""

import io
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from fedprotocol.store.base import NotFound, StoreError, Unavailable
from fedprotocol.tree import TreeShape

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MIN_BYTES_PER_SECOND = 256 * 1024
"""A download slower than this is given up."""


def seconds_for(shape: TreeShape, find_seconds: float) -> float:
    """How long the download of a tree may take whose first block may take `find_seconds`."""
    return find_seconds + shape.leaf_count * shape.leaf_bytes / MIN_BYTES_PER_SECOND


class Download(io.RawIOBase):
    """Reads `chunks` until `seconds` from now.

    `broken` are errors that the connection may raise. Reading raises NotFound if it stalls or takes too long, and
    `failure` for the others.
    """

    def __init__(
        self,
        chunks: Iterator[bytes],
        seconds: float,
        broken: tuple[type[Exception], ...],
        failure: type[StoreError] = Unavailable,
    ) -> None:
        self._chunks = chunks
        self._deadline = time.monotonic() + seconds
        self._broken = broken
        self._failure = failure
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        while not self._rest:
            if time.monotonic() > self._deadline:
                raise NotFound(f"the download is slower than {MIN_BYTES_PER_SECOND} bytes a second")
            try:
                chunk = next(self._chunks, None)
            except self._broken as error:
                if "timed out" in str(error):
                    raise NotFound(f"the download stalled: nobody sends the next block ({error})") from error
                raise self._failure(f"the connection broke: {error}") from error
            if chunk is None:
                return 0
            self._rest = memoryview(chunk)
        target = memoryview(buffer)
        size = min(len(target), len(self._rest))
        target[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size

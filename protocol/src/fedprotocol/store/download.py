"""A streamed answer, read like a file. If it stalls or takes too long, it ends with an error and never waits for
ever."""

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING

from fedprotocol.store.base import NotFound, StoreError, Unavailable
from fedprotocol.store.deadline import Deadline
from fedprotocol.tree import TreeShape

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MIN_BYTES_PER_SECOND = 256 * 1024
"""A download slower than this is given up."""


def seconds_for(shape: TreeShape, find_seconds: float) -> float:
    """How long the download of a tree may take, if its first block may take `find_seconds`."""
    return find_seconds + shape.leaf_count * shape.leaf_bytes / MIN_BYTES_PER_SECOND


def time_for(shape: TreeShape, find_seconds: float, deadline: Deadline) -> Deadline:
    """The same limit, as a part of `deadline`."""
    why = f"the download is slower than {MIN_BYTES_PER_SECOND} bytes a second"
    return deadline.part(seconds_for(shape, find_seconds), why=why)


class Download(io.RawIOBase):
    """Reads `chunks`, until `deadline`.

    `broken` are errors that the connection may raise. Reading raises NotFound if it stalls or takes too long, Stopped,
    and `failure` in place of the errors in `broken`.
    """

    def __init__(
        self,
        chunks: Iterator[bytes],
        deadline: Deadline,
        broken: tuple[type[Exception], ...] = (),
        failure: type[StoreError] = Unavailable,
    ) -> None:
        self._chunks = chunks
        self._deadline = deadline
        self._broken = broken
        self._failure = failure
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        while not self._rest:
            self._deadline.check()
            try:
                chunk = next(self._chunks, None)
            except self._broken as error:
                self._deadline.check()
                if "timed out" in str(error):
                    raise NotFound(f"the download stalled: nobody sends the next block ({error})") from error
                raise self._failure(f"the connection broke: {error}") from error
            if chunk is None:
                return 0
            self._deadline.moved(len(chunk))
            self._rest = memoryview(chunk)
        target = memoryview(buffer)
        size = min(len(target), len(self._rest))
        target[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size

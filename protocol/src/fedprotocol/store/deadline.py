"""The end of a fetch: it must be over by then, whatever the source does, and earlier if nobody wants it any more."""

from __future__ import annotations

import math
import threading
import time

from fedprotocol.store.base import NotFound, Stopped

POLL = 0.1
"""Seconds after which a waiting thread checks again whether it should go on."""


class Deadline:
    """`seconds` from now, or as soon as `stop` is set. Safe to share between threads.

    A `part` of it is over at the same time, or sooner. It counts the bytes that were read, so that others can see
    whether the fetch makes progress.
    """

    def __init__(self, seconds: float = math.inf, stop: threading.Event | None = None) -> None:
        self._parent: Deadline | None = None
        self._end = time.monotonic() + seconds
        self._stop = stop
        self._why = f"there was no answer in {seconds:.3g} s"
        self._moved = 0

    def part(self, seconds: float, stop: threading.Event | None = None, why: str = "") -> Deadline:
        """A deadline that is over after `seconds` at the latest. `why` is the message if it passes."""
        left = self.left
        part = Deadline(min(seconds, left), stop)
        part._parent = self
        part._why = self._why if left <= seconds else why or part._why
        return part

    @property
    def left(self) -> float:
        """Seconds left: 0 if it is over, infinity if there is no limit."""
        if self.is_stopped:
            return 0.0
        return max(0.0, self._end - time.monotonic())

    @property
    def overdue(self) -> float:
        """Seconds since its end; 0 before the end."""
        return max(0.0, time.monotonic() - self._end)

    @property
    def is_stopped(self) -> bool:
        """Whether somebody stopped the fetch."""
        own = self._stop is not None and self._stop.is_set()
        return own or (self._parent is not None and self._parent.is_stopped)

    def check(self) -> None:
        """Raises Stopped, or NotFound once the time is over."""
        if self.is_stopped:
            raise Stopped("stopped")
        if time.monotonic() >= self._end:
            raise NotFound(self._why)

    def moved(self, size: int) -> None:
        """Count `size` more bytes that have come."""
        self._moved += size
        if self._parent is not None:
            self._parent.moved(size)

    @property
    def bytes_moved(self) -> int:
        """Bytes that have come so far."""
        return self._moved

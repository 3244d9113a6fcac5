"""The loop's helpers: work that fetches or computes runs in a thread of its own, so that no deadline waits for it."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

A = TypeVar("A")


@dataclass(frozen=True)
class Outcome(Generic[A]):
    """How one piece of work ended: well, or with an `error`."""

    work: A
    error: Exception | None


class Background(Generic[A]):
    """Threads are daemons of the process: a stop or a kill never waits for them, and loses nothing but their work.

    `clock`: monotonic seconds. Every method is called in the loop's thread.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._running: dict[A, tuple[threading.Event, float]] = {}  # what asks it to stop, since when it runs
        self._done: queue.SimpleQueue[Outcome[A]] = queue.SimpleQueue()
        self._something = threading.Event()

    def start(self, work: A, body: Callable[[threading.Event], None]) -> None:
        """`body` gets the event that asks it to stop; what it then raises does not matter."""
        stop = threading.Event()
        self._running[work] = stop, self._clock()

        def run() -> None:
            error: Exception | None = None
            try:
                body(stop)
            except Exception as raised:  # of hostile data too: MemoryError, RecursionError
                error = raised
            self._done.put(Outcome(work, error))
            self._something.set()

        threading.Thread(target=run, name=type(work).__name__, daemon=True).start()

    def running(self) -> frozenset[A]:
        return frozenset(self._running)

    def stopped(self) -> frozenset[A]:
        """What was told to stop and has not ended yet."""
        return frozenset(work for work, (stop, _) in self._running.items() if stop.is_set())

    def older_than(self, seconds: float) -> frozenset[A]:
        """What has run for longer."""
        return frozenset(work for work, (_, since) in self._running.items() if self._clock() - since > seconds)

    def interrupt(self, work: A) -> None:
        if work in self._running:
            self._running[work][0].set()

    def outcomes(self) -> Iterator[Outcome[A]]:
        """Everything that ended since the last call."""
        self._something.clear()
        while True:
            try:
                outcome = self._done.get_nowait()
            except queue.Empty:
                return
            del self._running[outcome.work]
            yield outcome

    def wait(self, seconds: float) -> bool:
        """Sleep, but not longer than until something ends; whether it did."""
        return self._something.wait(seconds)

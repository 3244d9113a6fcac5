"""A daemon's helpers: work that trains, fetches or computes runs in a thread of its own, so that no deadline waits."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

W = TypeVar("W")

LANE_SECONDS = 600.0  # that one piece of work may keep other work of its lane waiting

Body = Callable[[threading.Event], Any]
"""Gets the event that asks it to stop; does so by raising whatever error it likes."""


@dataclass(frozen=True)
class Outcome(Generic[W]):
    """How one piece of work ended: with a `result`, or with an `error`."""

    work: W
    result: Any
    error: Exception | None


class Background(Generic[W]):
    """Threads are daemons of the process: a stop or a kill never waits for them, and loses nothing but their work.

    `clock`: monotonic seconds. Every method is called in the loop's thread. What may run beside what is the caller's
    to decide.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._running: dict[W, tuple[threading.Event, float]] = {}  # what asks it to stop, since when it runs
        self._done: queue.SimpleQueue[Outcome[W]] = queue.SimpleQueue()
        self._something = threading.Event()

    def start(self, work: W, body: Body) -> None:
        """`work` must not run already."""
        stop = threading.Event()
        self._running[work] = stop, self._clock()

        def run() -> None:
            try:
                outcome = Outcome(work, body(stop), None)
            except Exception as error:  # of hostile data too: MemoryError, RecursionError
                outcome = Outcome(work, None, error)
            self._done.put(outcome)
            self._something.set()

        threading.Thread(target=run, name=type(work).__name__, daemon=True).start()

    def running(self) -> frozenset[W]:
        """What has not ended, told to stop or not."""
        return frozenset(self._running)

    def stopped(self) -> frozenset[W]:
        """What was told to stop and has not ended yet."""
        return frozenset(work for work, (stop, _) in self._running.items() if stop.is_set())

    def older_than(self, seconds: float) -> frozenset[W]:
        """What has run for longer."""
        return frozenset(work for work, (_, since) in self._running.items() if self._clock() - since > seconds)

    def interrupt(self, work: W) -> None:
        """Ask it to stop, if it runs."""
        if work in self._running:
            self._running[work][0].set()

    def interrupt_all(self) -> None:
        """Ask everything to stop."""
        for stop, _ in self._running.values():
            stop.set()

    def outcomes(self) -> Iterator[Outcome[W]]:
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

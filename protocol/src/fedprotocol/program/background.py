"""Background work of a daemon. Training, fetching and computing run in separate threads, so that no deadline has to
wait for them."""

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
"""A piece of work. It gets the event that asks it to stop, and stops by raising any error."""


@dataclass(frozen=True)
class Outcome(Generic[W]):
    """How one piece of work ended: with a `result`, or with an `error`."""

    work: W
    result: Any
    error: Exception | None


class Background(Generic[W]):
    """Runs pieces of work in daemon threads. When the process stops or is killed it does not wait for them, and only
    their work is lost. `clock` gives monotonic seconds. Call every method but `wake` in the loop's thread. The caller
    decides which pieces of work may run at the same time.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        # the event that asks it to stop, and the time since which it runs
        self._running: dict[W, tuple[threading.Event, float]] = {}
        self._done: queue.SimpleQueue[Outcome[W]] = queue.SimpleQueue()
        self._something = threading.Event()

    def start(self, work: W, body: Body) -> None:
        """Start `work`, which must not be running yet."""
        stop = threading.Event()
        self._running[work] = stop, self._clock()

        def run() -> None:
            try:
                outcome = Outcome(work, body(stop), None)
            except Exception as error:  # also what hostile data may cause: MemoryError, RecursionError
                outcome = Outcome(work, None, error)
            self._done.put(outcome)
            self._something.set()

        threading.Thread(target=run, name=type(work).__name__, daemon=True).start()

    def running(self) -> frozenset[W]:
        """All work that has not ended, whether it was told to stop or not."""
        return frozenset(self._running)

    def stopped(self) -> frozenset[W]:
        """The work that was told to stop and has not ended yet."""
        return frozenset(work for work, (stop, _) in self._running.items() if stop.is_set())

    def older_than(self, seconds: float) -> frozenset[W]:
        """The work that has run for longer than this."""
        return frozenset(work for work, (_, since) in self._running.items() if self._clock() - since > seconds)

    def interrupt(self, work: W) -> None:
        """Ask this work to stop, if it is running."""
        if work in self._running:
            self._running[work][0].set()

    def interrupt_all(self) -> None:
        """Ask all work to stop."""
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

    def wake(self) -> None:
        """End a `wait`, or the next one; from any thread."""
        self._something.set()

    def wait(self, seconds: float) -> bool:
        """Sleep, but only until some work ends or `wake` is called. Returns whether something did."""
        woken = self._something.wait(seconds)
        self._something.clear()
        return woken

"""The loop's helpers: work that trains, fetches or computes runs in a thread of its own, so that no deadline waits."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from fedprotocol.errors import FedError
from fedprotocol.store.base import Stopped

from fednode.daemon.actions import FetchAction, ModelAction


class Interrupted(FedError):
    """Work in the background was stopped on purpose."""


@dataclass(frozen=True)
class Outcome:
    """How one piece of work ended: with a `result`, or with an `error`."""

    work: ModelAction | FetchAction
    result: Any
    error: Exception | None


Work = Callable[[threading.Event], Any]
"""Gets the event that asks it to stop; does so by raising Interrupted or Stopped."""


class Background:
    """Threads are daemons of the process: a stop or a kill never waits for them, and loses nothing but their work.

    Every method is called in the loop's thread. What may run beside what is the caller's to decide, by lanes.
    """

    def __init__(self) -> None:
        self._running: dict[ModelAction | FetchAction, threading.Event] = {}  # what asks it to stop
        self._done: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
        self._something = threading.Event()

    def start(self, action: ModelAction | FetchAction, work: Work) -> None:
        """`action` must not run already."""
        stop = threading.Event()
        self._running[action] = stop

        def body() -> None:
            try:
                outcome = Outcome(action, work(stop), None)
            except Stopped as error:
                outcome = Outcome(action, None, Interrupted(str(error)))
            except Exception as error:
                outcome = Outcome(action, None, error)
            self._done.put(outcome)
            self._something.set()

        threading.Thread(target=body, name=type(action).__name__, daemon=True).start()

    def running(self) -> frozenset[ModelAction | FetchAction]:
        """What has not ended, stopped or not."""
        return frozenset(self._running)

    def interrupt(self, action: ModelAction | FetchAction) -> None:
        """Ask it to stop."""
        if action in self._running:
            self._running[action].set()

    def interrupt_all(self) -> None:
        for stop in self._running.values():
            stop.set()

    def outcomes(self) -> Iterator[Outcome]:
        """Everything that ended since the last call."""
        self._something.clear()
        while True:
            try:
                outcome = self._done.get_nowait()
            except queue.Empty:
                return
            del self._running[outcome.work]
            yield outcome

    def wait(self, seconds: float) -> None:
        """Sleep, but not longer than until something ends."""
        self._something.wait(seconds)

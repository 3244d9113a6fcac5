"""Work that takes longer than a page may: done in the background, once for all who ask, and remembered."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from fedprotocol.errors import FedError
from fedprotocol.store import workers
from fedprotocol.store.deadline import Deadline

from fedexplorer.content.told import Told

log = logging.getLogger(__name__)

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class Busy(Told):
    """Too much is waiting already. Ask again later."""


class Standing(StrEnum):
    """What has become of a job."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True)
class Job(Generic[T]):
    """How a job stands now.

    Args:
        doing: what it does at the moment, in words.
        done, of: how far it is with that; `of` is 0 if that is not known.
        error: why it failed.
        again_in: seconds after which it is tried again when somebody asks; 0 unless it failed.
        ahead: jobs that are done before it begins.
        seconds: since it began, or how long it took.
    """

    standing: Standing
    doing: str = ""
    done: int = 0
    of: int = 0
    result: T | None = None
    error: FedError | None = None
    again_in: float = 0.0
    ahead: int = 0
    seconds: float = 0.0

    @property
    def is_over(self) -> bool:
        return self.standing in (Standing.DONE, Standing.FAILED)


class Report:
    """How a piece of work says how far it is. `deadline`: when it must end, whatever it does."""

    def __init__(self, deadline: Deadline) -> None:
        self.deadline = deadline
        self.now: tuple[str, int, int] = ("", 0, 0)

    def __call__(self, doing: str, done: int = 0, of: int = 0) -> None:
        """Raises Stopped, or NotFound once the time is over."""
        self.deadline.check()
        self.now = (doing, done, of)


class _Entry(Generic[T]):
    def __init__(self, deadline: Deadline) -> None:
        self.report = Report(deadline)
        self.over = threading.Event()
        self.began: float | None = None
        self.ended = 0.0
        self.result: T | None = None
        self.error: FedError | None = None


class Jobs(Generic[K, T]):
    """Jobs by key. Whoever asks for a key gets the one job there is.

    Args:
        name: of the threads.
        work: does the job. Its FedErrors are told to whoever asks; others are logged too.
        at_once: jobs that run at the same time.
        waiting: jobs that may wait for their turn.
        remembered: results and failures that are kept, those asked for last.
        keeps: whether results are kept at all, or only failures.
        pause: seconds that a failure is remembered before it is tried again.
        limit: seconds that a job may take.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[K, Report], T],
        *,
        at_once: int = 1,
        waiting: int = 16,
        remembered: int = 64,
        keeps: bool = True,
        pause: float = 60.0,
        limit: float = 600.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name, self._work = name, work
        self._at_once, self._waiting, self._remembered, self._keeps = at_once, waiting, remembered, keeps
        self._pause, self._limit, self._clock = pause, limit, clock
        self._entries: OrderedDict[K, _Entry[T]] = OrderedDict()
        self._queue: deque[K] = deque()
        self._running = 0
        self._stop = threading.Event()
        self._lock = threading.Lock()

    def close(self) -> None:
        """Stop what runs, and begin nothing more."""
        self._stop.set()
        with self._lock:
            self._queue.clear()

    def look(self, key: K) -> Job[T] | None:
        """How the job stands; None if nobody asked for it, or it was forgotten. Nothing is started."""
        with self._lock:
            entry = self._fresh(key)
            return None if entry is None else self._shown(key, entry)

    def ask(self, key: K, patience: float = 0.0) -> Job[T]:
        """Start the job unless it was, wait `patience` seconds for its end, and say how it stands. Raises Busy."""
        with self._lock:
            entry = self._fresh(key)
            if entry is None:
                if len(self._queue) >= self._waiting:
                    raise Busy(f"{len(self._queue)} others are waiting already: try again in a minute")
                entry = self._entries[key] = _Entry(Deadline(self._limit, self._stop))
                self._queue.append(key)
                self._begin()
            self._entries.move_to_end(key)
        if patience > 0:
            entry.over.wait(patience)
        with self._lock:
            return self._shown(key, entry)

    def _fresh(self, key: K) -> _Entry[T] | None:
        """The entry, unless it is a failure old enough to be tried again."""
        entry = self._entries.get(key)
        if entry is not None and entry.error is not None and self._clock() >= entry.ended + self._pause:
            del self._entries[key]
            return None
        return entry

    def _begin(self) -> None:
        while self._queue and self._running < self._at_once and not self._stop.is_set():
            key = self._queue.popleft()
            entry = self._entries[key]
            entry.report.deadline = Deadline(self._limit, self._stop)
            entry.began = self._clock()
            self._running += 1
            workers.start(self._name, lambda key=key, entry=entry: self._do(key, entry), lambda _: None)  # type: ignore[misc]

    def _do(self, key: K, entry: _Entry[T]) -> None:
        try:
            entry.result = self._work(key, entry.report)
        except FedError as error:
            entry.error = error
        except Exception as error:
            log.exception("%s: unexpected error", self._name)
            entry.error = Told(f"an unexpected error ({type(error).__name__}), which the explorer's log describes")
        finally:
            with self._lock:
                entry.ended = self._clock()
                self._running -= 1
                if not self._keeps and entry.error is None:
                    self._entries.pop(key, None)
                self._forget_oldest()
                self._begin()
            entry.over.set()

    def _forget_oldest(self) -> None:
        ended = [key for key, entry in self._entries.items() if entry.ended]
        for key in ended[: max(0, len(ended) - self._remembered)]:
            del self._entries[key]

    def _shown(self, key: K, entry: _Entry[T]) -> Job[T]:
        now = self._clock()
        if entry.began is None:
            ahead = self._running + (self._queue.index(key) if key in self._queue else 0)
            return Job(Standing.WAITING, ahead=ahead)
        doing, done, of = entry.report.now
        if not entry.ended:
            return Job(Standing.RUNNING, doing, done, of, seconds=now - entry.began)
        took = entry.ended - entry.began
        if entry.error is not None:
            again = max(0.0, entry.ended + self._pause - now)
            return Job(Standing.FAILED, doing, done, of, error=entry.error, again_in=again, seconds=took)
        return Job(Standing.DONE, doing, done, of, entry.result, seconds=took)

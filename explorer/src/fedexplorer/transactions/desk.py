"""Asking for many things that take long to fetch: each is fetched once, in the background, however many ask for it."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from fedprotocol.chain.errors import ChainUnreachable
from fedprotocol.errors import FedError
from fedprotocol.foreign_errors import in_a_line

log = logging.getLogger(__name__)

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

FEW = 4  # things asked for together that are fetched before all others
MOST_REMEMBERED = 1_024  # answers, and as many failures
FIRST_PAUSE, LONGEST_PAUSE = 5.0, 300.0  # seconds before something that failed is tried again


@dataclass(frozen=True)
class Answers(Generic[K, V]):
    """What is known of the things that were asked for. `waiting` of them are still being fetched, or will be; `trouble`
    says why the last attempt for one of these failed."""

    found: dict[K, V]
    waiting: int
    trouble: str

    @property
    def asked(self) -> int:
        return len(self.found) + self.waiting


@dataclass
class _Failed:
    pause: float
    until: float
    why: str


@dataclass
class _Work(Generic[K]):
    """What is to be fetched, what comes first before the rest, and what is being fetched now."""

    waiting: OrderedDict[K, None] = field(default_factory=OrderedDict)
    underway: set[K] = field(default_factory=set)


class Desk(Generic[K, V]):
    """Any number of threads may call.

    Args:
        fetch: gets one thing, or raises FedError. It runs in threads of the desk, which begin when something is first
            asked for.
        seconds_good: how long an answer may be given again.
        workers: how many things are fetched at the same time.
        most_waiting: how many may wait.
        why: in words for visitors, why something could not be fetched; the log has the error itself.
    """

    def __init__(
        self,
        fetch: Callable[[K], V],
        seconds_good: Callable[[V], float],
        workers: int,
        most_waiting: int,
        why: Callable[[Exception], str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetch, self._seconds_good, self._clock = fetch, seconds_good, clock
        self._workers, self._most_waiting, self._why = workers, most_waiting, why
        self._told = ""
        self._known: OrderedDict[K, tuple[V, float]] = OrderedDict()  # with the time until which it is good
        self._failed: OrderedDict[K, _Failed] = OrderedDict()
        self._work: _Work[K] = _Work()
        self._change = threading.Condition()
        self._threads: list[threading.Thread] = []
        self._quiet_until = 0.0
        self._silence = 0.0  # seconds of the last pause, because no endpoint answered
        self._is_closed = False

    def close(self) -> None:
        """End the threads; what they are fetching is given up."""
        with self._change:
            self._is_closed = True
            self._change.notify_all()

    def ask(self, wanted: Sequence[K], patience: float = 0.0) -> Answers[K, V]:
        """What is known of `wanted` after at most `patience` seconds; the rest is fetched in the background. What
        would be waiting beyond `most_waiting` is not noted down, and has to be asked for again."""
        keys = list(dict.fromkeys(wanted))
        end = self._clock() + patience
        with self._change:
            self._note([key for key in keys if not self._is_good(key)])
            if len(keys) <= FEW:
                self._bring_forward(keys)
            while True:
                missing = [key for key in keys if not self._is_good(key)]
                self._note(missing)
                left = end - self._clock()
                if not missing or left <= 0 or self._is_closed or not any(map(self._is_coming, missing)):
                    return self._answers(keys)
                self._change.wait(left)

    # ------------------------------------------------------------- with the lock

    def _answers(self, keys: Sequence[K]) -> Answers[K, V]:
        found = {key: self._known[key][0] for key in keys if self._is_good(key)}
        for key in found:
            self._known.move_to_end(key)
        trouble = next((self._failed[key].why for key in keys if key not in found and key in self._failed), "")
        return Answers(found, len(keys) - len(found), trouble)

    def _is_good(self, key: K) -> bool:
        return key in self._known and self._clock() < self._known[key][1]

    def _is_coming(self, key: K) -> bool:
        return (key in self._work.waiting and self._clock() >= self._quiet_until) or key in self._work.underway

    def _note(self, keys: Sequence[K]) -> None:
        for key in keys:
            failed = self._failed.get(key)
            if key in self._work.waiting or key in self._work.underway:
                continue
            if len(self._work.waiting) >= self._most_waiting or (failed is not None and self._clock() < failed.until):
                continue
            self._work.waiting[key] = None
            self._change.notify_all()
        if self._work.waiting and not self._threads and not self._is_closed:
            self._threads = [threading.Thread(target=self._run, name="desk", daemon=True) for _ in range(self._workers)]
            for thread in self._threads:
                thread.start()

    def _bring_forward(self, keys: Sequence[K]) -> None:
        """Whoever asks for one thing waits for nothing but that: not for the hundreds of a round before it."""
        for key in reversed(keys):
            if key in self._work.waiting:
                self._work.waiting.move_to_end(key, last=False)

    def _remember(self, key: K, value: V) -> None:
        self._known[key] = value, self._clock() + self._seconds_good(value)
        self._known.move_to_end(key)
        while len(self._known) > MOST_REMEMBERED:
            self._known.popitem(last=False)
        self._failed.pop(key, None)

    def _give_up(self, key: K, error: Exception) -> None:
        before = self._failed.pop(key, None)
        pause = min(LONGEST_PAUSE, 2 * before.pause) if before else FIRST_PAUSE
        self._failed[key] = _Failed(pause, self._clock() + pause, self._why(error))
        while len(self._failed) > MOST_REMEMBERED:
            self._failed.popitem(last=False)
        if isinstance(error, ChainUnreachable):  # the others would wait for the same silence, one after the other
            self._silence = min(LONGEST_PAUSE, max(FIRST_PAUSE, 2 * self._silence))
            self._quiet_until = self._clock() + self._silence
        told = in_a_line(error)
        if told != self._told:
            is_known = isinstance(error, FedError)
            log.warning("something could not be read: %s", told, exc_info=None if is_known else error)
        self._told = told

    # ------------------------------------------------------------- in a thread

    def _run(self) -> None:
        while (key := self._next()) is not None:
            try:
                value = self._fetch(key)
            except Exception as error:
                with self._change:
                    self._work.underway.discard(key)
                    self._give_up(key, error)
                    self._change.notify_all()
            else:
                with self._change:
                    self._work.underway.discard(key)
                    self._remember(key, value)
                    self._silence = 0.0
                    self._change.notify_all()

    def _next(self) -> K | None:
        with self._change:
            while not self._is_closed:
                quiet = self._quiet_until - self._clock()
                if self._work.waiting and quiet <= 0:
                    key, _ = self._work.waiting.popitem(last=False)
                    self._work.underway.add(key)
                    return key
                self._change.wait(quiet if quiet > 0 else None)
            return None

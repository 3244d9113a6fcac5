"""Many fetches, several at a time, each with a fair share of the time that is left."""

from __future__ import annotations

import math
import queue
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar, cast

from fedprotocol.store import workers
from fedprotocol.store.base import Malformed, NotFound, Stopped
from fedprotocol.store.deadline import POLL, Deadline

K = TypeVar("K")
T = TypeVar("T")

PLACES = 8
"""Fetches at a time."""

GRACE = 1.0
"""Seconds after the end of its share of the time, after which a fetch that does not end by itself is given up."""


def fair_share(left: float, unfinished: int, places: int = PLACES) -> float:
    """How many of the seconds that are `left` each of `unfinished` fetches gets, if `places` of them run at a time."""
    return left / math.ceil(max(1, unfinished) / places)


@dataclass(frozen=True)
class Fetched(Generic[K, T]):
    """The outcome for `key`: a `result` or an `error`."""

    key: K
    result: T | None
    error: Exception | None = None


def side_by_side(
    keys: Sequence[K],
    fetch: Callable[[K, Deadline], T],
    deadline: Deadline,
    pause: float | None = None,
    places: int = PLACES,
) -> Iterator[Fetched[K, T]]:
    """Fetch all `keys` in their order until `deadline`, and yield the outcome of each as it comes. A fetch that does
    not end within its share of the time counts as NotFound. Content that is not found, or is malformed, is requested
    again `pause` seconds later (None: never), once all keys were requested and while other fetches go on. So a key may
    be yielded several times. A fetch that could not begin in time is not yielded. Raises Stopped; errors of `fetch` are
    part of the outcome.
    """
    field = _Field(keys, fetch, deadline, pause, places)
    while field.begin():
        yield from field.ended()


def all_of(keys: Sequence[K], fetch: Callable[[K, Deadline], T], deadline: Deadline, places: int = PLACES) -> list[T]:
    """All results, in any order. Raises the first error, NotFound if the time is over, Stopped."""
    done: list[T] = []
    for fetched in side_by_side(keys, fetch, deadline, places=places):
        if fetched.error is not None:
            raise fetched.error
        done.append(cast(T, fetched.result))
    if len(done) < len(keys):
        deadline.check()
    return done


class _Field(Generic[K, T]):
    """The fetches that wait and the fetches that run."""

    def __init__(
        self,
        keys: Sequence[K],
        fetch: Callable[[K, Deadline], T],
        deadline: Deadline,
        pause: float | None,
        places: int,
    ) -> None:
        self._waiting = deque(keys)
        self._later: deque[tuple[float, K]] = deque()
        self._running: dict[int, tuple[K, Deadline]] = {}
        self._ended: queue.SimpleQueue[tuple[int, T | BaseException]] = queue.SimpleQueue()
        self._begun = 0
        self._fetch, self._deadline, self._pause, self._places = fetch, deadline, pause, places

    def begin(self) -> bool:
        """Start fetches in the free places. False if nothing runs and nothing can be started. Raises Stopped."""
        if self._deadline.is_stopped:
            raise Stopped("stopped")
        while len(self._running) < self._places and self._deadline.left > 0:
            unfinished = len(self._waiting) + len(self._running)
            if self._waiting:
                key = self._waiting.popleft()
            elif self._later and self._later[0][0] <= time.monotonic():
                key = self._later.popleft()[1]
            else:
                break
            share = self._deadline.part(fair_share(self._deadline.left, unfinished, self._places))
            self._begun += 1
            self._running[self._begun] = (key, share)
            workers.start("fetch", partial(self._fetch, key, share), partial(self._tell, self._begun))
        return bool(self._running)

    def ended(self) -> Iterator[Fetched[K, T]]:
        """The outcomes of fetches that have ended by now, or end a moment later."""
        try:
            number, outcome = self._ended.get(timeout=POLL)
        except queue.Empty:
            for late in [n for n, (_, share) in self._running.items() if share.overdue > GRACE]:
                yield self._over(late, NotFound("it was not found in its share of the time"))
            return
        if number in self._running:  # otherwise it was given up before
            yield self._over(number, outcome)

    def _over(self, number: int, outcome: T | BaseException) -> Fetched[K, T]:
        key, _ = self._running.pop(number)
        if isinstance(outcome, NotFound | Malformed) and self._pause is not None:
            self._later.append((time.monotonic() + self._pause, key))
        if isinstance(outcome, Exception) and not isinstance(outcome, Stopped):
            return Fetched(key, None, outcome)
        if isinstance(outcome, BaseException):
            raise outcome
        return Fetched(key, outcome)

    def _tell(self, number: int, outcome: T | BaseException) -> None:
        self._ended.put((number, outcome))

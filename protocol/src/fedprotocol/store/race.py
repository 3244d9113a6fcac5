"""Asks several sources that may have the same content, so that a slow one costs little time."""

from __future__ import annotations

import math
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

from fedprotocol.store import workers
from fedprotocol.store.base import Malformed, NotFound, Stopped, StoreError, Unavailable
from fedprotocol.store.deadline import POLL, Deadline

T = TypeVar("T")

HEAD_START = 2.0
"""Seconds until the next source is asked as well. With little time it is less, so that all are asked."""

BUSY = 64 * 1024
"""Bytes a second above which no other source is asked: what has arrived is verified, and fetching it twice is a
waste."""


@dataclass(frozen=True)
class Attempt(Generic[T]):
    """One source that may have the content. `fetch` raises StoreError, or OSError if it cannot be read."""

    name: str
    fetch: Callable[[Deadline], T]


def first_of(attempts: Sequence[Attempt[T]], what: str, before: StoreError, deadline: Deadline) -> T:
    """The content, from the first of `attempts` that delivers it. `before` is an earlier refusal, because of which
    these are asked. The next source is asked as soon as one refuses or makes no progress. When one has delivered, or
    the time is over, the others are told to stop and no longer waited for, so their threads may outlive the call.
    Raises Unavailable, Malformed or NotFound, whichever is the most serious answer, and Stopped.
    """
    refusals: list[StoreError] = [before]
    over = threading.Event()
    ended: queue.SimpleQueue[tuple[int, T | BaseException]] = queue.SimpleQueue()
    running: dict[int, _Runner] = {}
    asked, head_start = 0, min(HEAD_START, deadline.left / (len(attempts) + 1))
    try:
        while asked < len(attempts) or running:
            if asked < len(attempts) and all(runner.is_slow(head_start) for runner in running.values()):
                running[asked] = _Runner(deadline.part(math.inf, over))
                fetch = partial(attempts[asked].fetch, running[asked].deadline)
                workers.start(f"fetch from {attempts[asked].name}", fetch, partial(_tell, ended, asked))
                asked += 1
            try:
                number, outcome = ended.get(timeout=min(POLL, deadline.left))
            except queue.Empty:
                deadline.check()
                continue
            del running[number]
            if isinstance(outcome, Stopped):
                deadline.check()
            if isinstance(outcome, StoreError):
                refusals.append(outcome)
            elif isinstance(outcome, OSError):
                refusals.append(NotFound(f"{attempts[number].name} cannot be read: {outcome}"))
            elif isinstance(outcome, BaseException):
                raise outcome
            else:
                return outcome
    except NotFound as late:  # the time is over
        names = ", ".join(attempts[number].name for number in running)
        refusals.append(NotFound(f"{names or 'nobody'}: {late}"))
    finally:
        over.set()
    raise _worst(refusals, what)


class _Runner:
    """A source that was asked, and whether it makes progress."""

    def __init__(self, deadline: Deadline) -> None:
        self.deadline = deadline
        self._since = time.monotonic()
        self._moved = 0
        self._slow = False

    def is_slow(self, head_start: float) -> bool:
        """A source that was slow once counts as slow, because another one was asked then."""
        passed = time.monotonic() - self._since
        if not self._slow and passed >= head_start:
            self._slow = self.deadline.bytes_moved - self._moved < BUSY * passed
            self._since, self._moved = time.monotonic(), self.deadline.bytes_moved
        return self._slow


def _tell(ended: queue.SimpleQueue[tuple[int, T | BaseException]], number: int, outcome: T | BaseException) -> None:
    ended.put((number, outcome))


def _worst(refusals: Sequence[StoreError], what: str) -> StoreError:
    for kind in (Unavailable, Malformed):
        for refusal in refusals:
            if isinstance(refusal, kind):
                return refusal
    return NotFound(f"nobody has {what}: {'; '.join(map(str, refusals))}")

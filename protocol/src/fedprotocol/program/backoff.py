"""What failed a moment ago is left alone for a while, longer each time, so that it hides nothing else a daemon owes."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

A = TypeVar("A", bound=Hashable)

LONGEST_PAUSE = 60.0  # seconds between tries while something fails
TRIES_LEFT = 8  # for which there is time before a deadline, however often something failed


@dataclass(frozen=True)
class Setback:
    """Why something was not done. `too_early`: nothing is wrong, `why` says what must be first; `for_good`: the same
    again would fail again."""

    why: str
    too_early: bool = False
    for_good: bool = False


class Backoff(Generic[A]):
    """`clock`: monotonic seconds; `first`, `longest`: seconds of the shortest and the longest pause."""

    def __init__(self, clock: Callable[[], float], first: float, longest: float = LONGEST_PAUSE) -> None:
        self._clock = clock
        self._first = first
        self._longest = longest
        self._until: dict[A, tuple[float, float]] = {}  # end of the pause, its length
        self._setbacks: dict[A, Setback] = {}

    def retry_later(self, action: A, setback: Setback, left: float = math.inf) -> float:
        """`action` was not done; seconds until it may be tried again. `left`: seconds until it comes too late, which
        has room for several more tries."""
        seconds = self._first if setback.too_early else self._longer(action, left)
        self._until[action] = (self._clock() + seconds, seconds)
        self._setbacks[action] = setback
        return seconds

    def postpone(self, action: A, longest: float, left: float = math.inf) -> None:
        """`action` was done and may have more to do later; each time the pause is longer, at most `longest` seconds."""
        seconds = min(longest, self._longer(action, left))
        self._until[action] = (self._clock() + seconds, seconds)
        self._setbacks.pop(action, None)

    def pause(self, action: A, seconds: float) -> None:
        """Leave `action` alone for exactly so long; math.inf: until the program starts again."""
        self._until[action] = (self._clock() + seconds, 0.0)

    def give_up(self, action: A, setback: Setback) -> None:
        """`action` failed, and the same again would too."""
        self.pause(action, math.inf)
        self._setbacks[action] = setback

    def succeeded(self, action: A) -> None:
        self._until.pop(action, None)
        self._setbacks.pop(action, None)

    def failing(self) -> dict[A, Setback]:
        """What is left alone because it could not be done -> why."""
        return {action: self._setbacks[action] for action in self.paused() if action in self._setbacks}

    def paused(self) -> frozenset[A]:
        """What is left alone now."""
        now = self._clock()
        forgotten = [action for action, (end, _) in self._until.items() if end < now - 2 * self._longest]
        for action in forgotten:  # else each round leaves some behind
            self.succeeded(action)
        return frozenset(action for action, (end, _) in self._until.items() if end > now)

    def _longer(self, action: A, left: float) -> float:
        _, last = self._until.get(action, (0.0, 0.0))
        longest = min(self._longest, max(self._first, left / TRIES_LEFT))
        return min(longest, max(self._first, 2 * last))

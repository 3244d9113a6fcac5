"""What failed a moment ago is left alone for a while, longer each time."""

from __future__ import annotations

import math
from collections.abc import Callable

from fednode.daemon.actions import Action
from fednode.daemon.facts import Setback


class Rests:
    """`clock`: monotonic seconds."""

    def __init__(self, clock: Callable[[], float], first: float, longest: float) -> None:
        self._clock = clock
        self._first = first
        self._longest = longest
        self._until: dict[Action, tuple[float, float]] = {}  # end of the rest, its length
        self._setbacks: dict[Action, Setback] = {}

    def rest(self, action: Action, setback: Setback) -> float:
        """`action` was not done; seconds until it may be tried again."""
        seconds = self._first if setback.too_early else self._longer(action)
        self._until[action] = (self._clock() + seconds, seconds)
        self._setbacks[action] = setback
        return seconds

    def postpone(self, action: Action, longest: float) -> None:
        """`action` was done and may have more to do later; each time it rests longer, at most `longest` seconds."""
        seconds = min(longest, self._longer(action))
        self._until[action] = (self._clock() + seconds, seconds)
        self._setbacks.pop(action, None)

    def pause(self, action: Action, seconds: float) -> None:
        """Rest for exactly so long; math.inf: until the program starts again."""
        self._until[action] = (self._clock() + seconds, 0.0)

    def give_up(self, action: Action, setback: Setback) -> None:
        """`action` failed, and the same again would too."""
        self.pause(action, math.inf)
        self._setbacks[action] = setback

    def succeeded(self, action: Action) -> None:
        self._until.pop(action, None)
        self._setbacks.pop(action, None)

    def failing(self) -> dict[Action, Setback]:
        """What rests because it could not be done -> why."""
        return {action: self._setbacks[action] for action in self.resting() if action in self._setbacks}

    def resting(self) -> frozenset[Action]:
        now = self._clock()
        forgotten = [action for action, (end, _) in self._until.items() if end < now - 2 * self._longest]
        for action in forgotten:  # else each round leaves some behind
            self.succeeded(action)
        return frozenset(action for action, (end, _) in self._until.items() if end > now)

    def _longer(self, action: Action) -> float:
        _, last = self._until.get(action, (0.0, 0.0))
        return min(self._longest, max(self._first, 2 * last))

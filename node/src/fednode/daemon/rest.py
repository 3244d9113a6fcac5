"""What failed a moment ago is left alone for a while, longer each time."""

from __future__ import annotations

import math
from collections.abc import Callable

from fednode.daemon.actions import Action


class Rests:
    """`clock`: monotonic seconds."""

    def __init__(self, clock: Callable[[], float], first: float, longest: float) -> None:
        self._clock = clock
        self._first = first
        self._longest = longest
        self._until: dict[Action, tuple[float, float]] = {}  # end of the rest, its length
        self._why: dict[Action, str] = {}

    def rest(self, action: Action, why: str) -> float:
        """`action` failed; seconds until it may be tried again."""
        _, last = self._until.get(action, (0.0, 0.0))
        seconds = min(self._longest, max(self._first, 2 * last))
        self._until[action] = (self._clock() + seconds, seconds)
        self._why[action] = why
        return seconds

    def pause(self, action: Action, seconds: float) -> None:
        """Rest for exactly so long; math.inf: until the program starts again."""
        self._until[action] = (self._clock() + seconds, 0.0)

    def give_up(self, action: Action, why: str) -> None:
        """`action` failed, and the same again would too."""
        self.pause(action, math.inf)
        self._why[action] = why

    def succeeded(self, action: Action) -> None:
        self._until.pop(action, None)
        self._why.pop(action, None)

    def failing(self) -> dict[Action, str]:
        """What rests because it failed -> why."""
        return {action: self._why[action] for action in self.resting() if action in self._why}

    def resting(self) -> frozenset[Action]:
        now = self._clock()
        return frozenset(action for action, (end, _) in self._until.items() if end > now)

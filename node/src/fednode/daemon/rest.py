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

    def rest(self, action: Action) -> float:
        """Seconds until `action` may be tried again."""
        _, last = self._until.get(action, (0.0, 0.0))
        seconds = min(self._longest, max(self._first, 2 * last))
        self._until[action] = (self._clock() + seconds, seconds)
        return seconds

    def pause(self, action: Action, seconds: float) -> None:
        """Rest for exactly so long; math.inf: until the program starts again."""
        self._until[action] = (self._clock() + seconds, 0.0)

    def give_up(self, action: Action) -> None:
        self.pause(action, math.inf)

    def succeeded(self, action: Action) -> None:
        self._until.pop(action, None)

    def resting(self) -> frozenset[Action]:
        now = self._clock()
        return frozenset(action for action, (end, _) in self._until.items() if end > now)

"""A clock that a test moves by hand."""

from __future__ import annotations


class Clock:
    """Call it for the time, in seconds; set `now`."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

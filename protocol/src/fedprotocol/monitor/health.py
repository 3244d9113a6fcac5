"""Whether the daemon is well: what its loop reports, and what follows from it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

MISSED_POLLS = 10
SHORTEST_LIMIT = 30.0  # seconds


@dataclass(frozen=True)
class HealthReport:
    """`why`: a sentence for each thing that is wrong; if there is none, the daemon is well. `age`: seconds since the
    chain was read; None if it never was. `penalties`: what a person should know although the daemon works, because a
    restart helps nothing."""

    why: tuple[str, ...]
    doing: str
    age: float | None
    penalties: tuple[str, ...] = ()

    @property
    def healthy(self) -> bool:
        return not self.why


class Health:
    """The daemon's threads report to it, and the server's threads ask it. `clock`: monotonic seconds."""

    def __init__(self, poll_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = max(SHORTEST_LIMIT, MISSED_POLLS * poll_seconds)
        self._clock = clock
        self._lock = threading.Lock()
        self._started = clock()
        self._read: float | None = None
        self._allowed = self._limit
        self._doing = "starting"
        self._failures: dict[str, str] = {}
        self._penalties: tuple[str, ...] = ()

    def turned(self, doing: str, at_most: float = 0.0) -> None:
        """Report that the chain was read, and that the loop now does something that may take `at_most` this many
        seconds."""
        with self._lock:
            self._read = self._clock()
            self._doing = doing
            self._allowed = self._limit + at_most
            self._failures.pop("chain", None)

    def penalized(self, penalties: tuple[str, ...]) -> None:
        """The penalties that nothing has made up for, in words."""
        with self._lock:
            self._penalties = penalties

    def failed(self, part: str, why: str) -> None:
        """Report that `part` ("chain", "store", "model") does not work, and why; an empty `why` means that it works
        again."""
        with self._lock:
            self._failures.pop(part, None)
            if why:
                self._failures[part] = why

    def report(self) -> HealthReport:
        """The chain may be out of reach for a few polls before that counts; any other failure counts at once."""
        with self._lock:
            failures, doing, read, penalties = dict(self._failures), self._doing, self._read, self._penalties
            now = self._clock()
            silence = now - (self._started if read is None else read)
            is_late = silence > (self._limit if "chain" in failures else self._allowed)
        chain = failures.pop("chain", "")
        why = [f"the {part} does not work: {text}" for part, text in failures.items()]
        if is_late and chain:
            why.insert(0, f"the chain has not been read for {silence:.0f} s: {chain}")
        elif is_late:
            why.insert(0, f"the loop has not turned for {silence:.0f} s; it was last seen with this: {doing}")
        return HealthReport(tuple(why), doing, None if read is None else now - read, penalties)

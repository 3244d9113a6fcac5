"""Unexpected errors, for which there are no words. Most often they are mistakes in a program, and the next try fails in
the same way."""

from __future__ import annotations

import traceback
from logging import Logger

from fedprotocol.errors import FedError

_NO_MEMORY = ("out of memory", "allocate memory")  # torch's errors, on a GPU and on a CPU

_Place = tuple[str, str, int]


class Unforeseen:
    """Remembers which unexpected errors a loop has met, by the place where they were raised, because their messages may
    differ each time."""

    def __init__(self) -> None:
        self._met: set[tuple[type, _Place]] = set()
        self._last: dict[type, tuple[object, _Place]] = {}  # the last error of each kind of action

    def is_news(self, action: object, error: Exception) -> bool:
        """Whether to show the traceback: once for each kind of action and place. Expected errors, which have a message
        for people, need none."""
        if isinstance(error, FedError | OSError):  # from the system, such as a full disk
            return False
        seen = (type(action), _place(error))
        is_new = seen not in self._met
        self._met.add(seen)
        return is_new

    def tell(self, log: Logger, action: object, error: Exception, what: str = "") -> bool:
        """Write `error` with its traceback if that is news. Returns whether it was. `what`: what failed."""
        if not self.is_news(action, error):
            return False
        log.error("%sunexpected error", f"{what}: " if what else "", exc_info=error)
        return True

    def is_again(self, action: object, error: Exception) -> bool:
        """Whether the last try of `action` failed in the same way, so that the next would too, because chance plays no
        part in it."""
        if isinstance(error, FedError | OSError) or lacks_memory(error):  # these errors may pass by themselves
            return False
        before, now = self._last.get(type(action)), (action, _place(error))
        self._last[type(action)] = now
        return before == now


def lacks_memory(error: Exception) -> bool:
    """Whether Python or torch had no memory left."""
    message = str(error).lower()
    return isinstance(error, MemoryError) or any(phrase in message for phrase in _NO_MEMORY)


def _place(error: Exception) -> _Place:
    walked = list(traceback.walk_tb(error.__traceback__))
    if not walked:
        return type(error).__name__, "", 0
    frame, line = walked[-1]
    return type(error).__name__, frame.f_code.co_filename, line

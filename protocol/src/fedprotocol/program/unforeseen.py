"""Errors that nobody has put into words: mistakes in a program, most often, which the next try makes again."""

from __future__ import annotations

import traceback

from fedprotocol.errors import FedError

_NO_MEMORY = ("out of memory", "allocate memory")  # torch's, of a GPU and of a CPU

_Place = tuple[str, str, int]


class Unforeseen:
    """Which of them a loop has met, by where they were raised; their messages may differ each time."""

    def __init__(self) -> None:
        self._met: set[tuple[type, _Place]] = set()
        self._last: dict[type, tuple[object, _Place]] = {}  # by kind of action

    def is_news(self, action: object, error: Exception) -> bool:
        """Whether the traceback is worth showing: once for a kind of action and a place. What is in words has none."""
        if isinstance(error, FedError | OSError):  # of the system: a full disk
            return False
        seen = (type(action), _place(error))
        is_new = seen not in self._met
        self._met.add(seen)
        return is_new

    def is_again(self, action: object, error: Exception) -> bool:
        """Whether the last try of `action`, which chance has no part in, ended in the same way, and the next would."""
        if isinstance(error, FedError | OSError) or lacks_memory(error):  # these may pass
            return False
        before, now = self._last.get(type(action)), (action, _place(error))
        self._last[type(action)] = now
        return before == now


def lacks_memory(error: Exception) -> bool:
    """Whether Python or torch had no memory left for it."""
    message = str(error).lower()
    return isinstance(error, MemoryError) or any(phrase in message for phrase in _NO_MEMORY)


def _place(error: Exception) -> _Place:
    walked = list(traceback.walk_tb(error.__traceback__))
    if not walked:
        return type(error).__name__, "", 0
    frame, line = walked[-1]
    return type(error).__name__, frame.f_code.co_filename, line

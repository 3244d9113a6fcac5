"""Code of a daemon that only shows something to people: its errors never keep the loop from its duties."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from logging import Logger


class OnlyForPeople:
    """Call it for a context around such code. An error becomes a warning in `log`, which is not repeated as long as
    the next one says the same."""

    def __init__(self, log: Logger) -> None:
        self._log = log
        self._last = ""

    @contextmanager
    def __call__(self, what: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            text = f"{what} failed: {error}"
            if text != self._last:
                self._log.warning("%s", text)
            self._last = text

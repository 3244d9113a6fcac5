"""Work in threads for which nothing waits. A program can end, and a fetch can be given up, even if such a thread
hangs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def start(name: str, work: Callable[[], T], tell: Callable[[T | BaseException], None]) -> None:
    """Do `work` in a new thread, and pass on its result or its error from there."""

    def body() -> None:
        outcome: T | BaseException
        try:
            outcome = work()
        except BaseException as error:
            outcome = error
        tell(outcome)

    threading.Thread(target=body, name=name, daemon=True).start()

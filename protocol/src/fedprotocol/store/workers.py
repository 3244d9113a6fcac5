"""Work in threads that nothing waits for: a program ends, and a fetch is given up, whatever they hang at."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def start(name: str, work: Callable[[], T], tell: Callable[[T | BaseException], None]) -> None:
    """Do `work` in a new thread and tell there what came of it: its result, or what it raised."""

    def body() -> None:
        outcome: T | BaseException
        try:
            outcome = work()
        except BaseException as error:
            outcome = error
        tell(outcome)

    threading.Thread(target=body, name=name, daemon=True).start()

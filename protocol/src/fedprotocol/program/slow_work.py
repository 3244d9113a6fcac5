"""Signs of life from work that takes long: what is done, how far it is if that is known, and for how long."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from fedprotocol.program.terminal import say

FIRST = 3.0  # seconds until anything is said
LONGEST_PAUSE = 60.0


class SlowWork:
    """How far it is."""

    def __init__(self) -> None:
        self._so_far = ""

    def at(self, done: int, total: int) -> None:
        """So many parts of it are done."""
        self._so_far = f"{done} of {total}, "

    def __str__(self) -> str:
        return self._so_far


@contextmanager
def told_if_slow(what: str, first: float = FIRST) -> Iterator[SlowWork]:
    """Say on standard error what is being done once it has taken `first` seconds, then again at twice the time, at
    least every minute, and how long it took in the end. Nothing is said of what is quicker."""
    done = threading.Event()
    started = time.monotonic()
    work = SlowWork()

    def tell() -> None:
        pause = first
        while not done.wait(pause):
            taken = time.monotonic() - started
            say(f"{what}: {work}{taken:.0f} s so far", error=True)
            pause = min(taken, LONGEST_PAUSE)

    teller = threading.Thread(target=tell, daemon=True)
    teller.start()
    try:
        yield work
    finally:
        done.set()
        teller.join()
        taken = time.monotonic() - started
        if taken >= first:
            say(f"{what}: {taken:.0f} s in all", error=True)

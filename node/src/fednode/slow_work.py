"""Shows that slow work is still going on that cannot say how far it is, such as loading a model or training one
step."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from fedprotocol.program.terminal import say

FIRST = 3.0  # seconds until anything is said
LONGEST_PAUSE = 60.0


@contextmanager
def told_if_slow(what: str, first: float = FIRST) -> Iterator[None]:
    """Say on standard error what is being done once it has taken `first` seconds, then again at twice the time, at
    least every minute, and how long it took in the end. Nothing is said of what is quicker."""
    done = threading.Event()
    started = time.monotonic()

    def tell() -> None:
        pause = first
        while not done.wait(pause):
            taken = time.monotonic() - started
            say(f"{what}: {taken:.0f} s so far", error=True)
            pause = min(taken, LONGEST_PAUSE)

    teller = threading.Thread(target=tell, daemon=True)
    teller.start()
    try:
        yield
    finally:
        done.set()
        teller.join()
        taken = time.monotonic() - started
        if taken >= first:
            say(f"{what}: {taken:.0f} s in all", error=True)

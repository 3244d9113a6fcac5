"""Checks the store once a minute, in a separate thread, because the store may not answer."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from fedprotocol import metrics
from fedprotocol.foreign_errors import in_a_line
from fedprotocol.monitor.health import Health
from fedprotocol.store.base import Store, StoreError

EVERY = 60.0  # seconds


@contextmanager
def watch(store: Store, health: Health, every: float = EVERY) -> Iterator[None]:
    """Report the store's state to `health` and the metrics while in the context."""
    over = threading.Event()

    def body() -> None:
        while True:
            _look(store, health)
            if over.wait(every):
                return

    threading.Thread(target=body, name="store-watch", daemon=True).start()
    try:
        yield
    finally:
        over.set()


def peers_known() -> int | None:
    """What the last look found; None if nobody looks."""
    [family] = metrics.PEERS.collect()
    count = family.samples[0].value
    return None if math.isnan(count) else int(count)


def _look(store: Store, health: Health) -> None:
    try:
        metrics.PEERS.set(store.reachable())
    except Exception as error:  # whatever is wrong with it, it will be checked again
        metrics.PEERS.set(0)
        health.failed("store", str(error) if isinstance(error, StoreError) else in_a_line(error))
    else:
        health.failed("store", "")

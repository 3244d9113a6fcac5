"""A look at the store once a minute, in a thread of its own: whoever is asked there may hang."""

from __future__ import annotations

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
    """Tell `health` and the metrics how the store is, while in the context."""
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


def _look(store: Store, health: Health) -> None:
    try:
        metrics.PEERS.set(store.reachable())
    except Exception as error:  # whatever is wrong with it, the next look comes
        metrics.PEERS.set(0)
        health.failed("store", str(error) if isinstance(error, StoreError) else in_a_line(error))
    else:
        health.failed("store", "")

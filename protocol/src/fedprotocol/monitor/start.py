"""Everything that watches a daemon, in one context manager."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from fedprotocol.monitor.health import Health
from fedprotocol.monitor.server import serve
from fedprotocol.monitor.store_watch import watch
from fedprotocol.store.base import Store


@contextmanager
def monitored(port: int, health: Health, store: Store) -> Iterator[None]:
    """Serve `/metrics` and `/health` on `port` of 127.0.0.1 and keep an eye on the store; with port 0, do nothing.

    Raises PortTaken.
    """
    with ExitStack() as parts:
        if port:
            parts.enter_context(serve(port, health))
            parts.enter_context(watch(store, health))
        yield

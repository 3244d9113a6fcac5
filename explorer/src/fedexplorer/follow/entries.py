"""The coordinator's log entries as they stand on the chain, from the event index's file."""

from __future__ import annotations

import threading
from pathlib import Path

from fedprotocol.chain.read.event_table import EventTable
from fedprotocol.chain.read.events import Event, headline
from web3.types import LogReceipt


class Entries:
    """Reads from the file at `path` by a connection of its own: the index itself has everybody wait while it asks the
    chain, which may take long. Any number of threads may call."""

    def __init__(self, coordinator: str, path: Path) -> None:
        self._table = EventTable(coordinator, path, headline)
        self._lock = threading.Lock()

    def entry(self, event: Event) -> LogReceipt | None:
        """The event with topics and data; None if the index does not have it any more. Raises EventIndexError."""
        with self._lock, self._table.in_use():
            return self._table.entry(event.block_hash, event.tx_hash, event.log_index)

    def close(self) -> None:
        with self._lock:
            self._table.close()

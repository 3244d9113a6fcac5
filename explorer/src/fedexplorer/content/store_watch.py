"""Looks every half minute whether the store can be read, because a page may need it only much later."""

from __future__ import annotations

import logging
import threading

from fedprotocol.errors import FedError
from fedprotocol.foreign_errors import in_a_line
from fedprotocol.store.base import Store

log = logging.getLogger(__name__)

EVERY = 30.0  # seconds
AWAY = "No store that this explorer reads from answers: only content that was fetched before can be shown."
NOBODY = (
    "No store was named to this explorer, and it reaches none that a participant announces on the chain: only content "
    "that was fetched before can be shown."
)


class StoreWatch:
    """`problem` is a sentence for visitors, which names no machine; it is empty while the store can be read.

    `has_own`: the store has content of its own, as a Kubo daemon has. Otherwise it is of use only if it reaches others.
    `away`: what the problem is if it reaches none.
    """

    def __init__(self, store: Store, has_own: bool, away: str = AWAY, every: float = EVERY) -> None:
        self.problem = ""
        self._store, self._has_own, self._away, self._every = store, has_own, away, every
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="store watch", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """End the thread. A store that hangs is not waited for."""
        self._over.set()

    def look(self) -> None:
        """Ask the store once."""
        try:
            is_there = self._store.reachable() > 0 or self._has_own
            why = "" if is_there else self._away
        except Exception as error:  # whatever is wrong with it, it is asked again
            is_there, why = False, str(error) if isinstance(error, FedError) else in_a_line(error)
        if not is_there and not self.problem:
            log.warning("content cannot be fetched: %s", why)
        self.problem = "" if is_there else self._away

    def _run(self) -> None:
        while not self._over.is_set():
            self.look()
            self._over.wait(self._every)

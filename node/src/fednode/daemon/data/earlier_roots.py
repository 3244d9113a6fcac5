"""The roots that were revealed in earlier rounds, read from the contract once."""

from __future__ import annotations

import logging
import time

from fedprotocol.chain.errors import ChainError
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.errors import FedError

log = logging.getLogger("fednode")

BUDGET = 20.0  # seconds of one look-up: after a start there are all rounds to read
AGAIN_SECONDS = 60.0  # seconds until one that failed is tried again


class EarlierRoots:
    """Plain calls, one a round, as every RPC node answers them: no event log is needed.

    A round is over before the next one's Train is, so what was read of it stays.
    """

    def __init__(self, coordinator: Coordinator) -> None:
        self._coordinator = coordinator
        self._known: dict[int, frozenset[bytes]] = {}
        self._not_before = 0.0

    def before(self, number: int) -> dict[bytes, int]:
        """Root -> the round that it was revealed in, of all rounds before `number` that can be read.

        Never raises: a replay that one node misses is seen by others, and a node that cannot look is to vote all the
        same. The log says so.
        """
        try:
            self._read_until(number)
        except (FedError, OSError) as error:
            self._not_before = time.monotonic() + AGAIN_SECONDS
            log.warning(
                "round %d: updates are not compared with those of earlier rounds, whose roots cannot be read: %s",
                number,
                error,
            )
        return {root: known for known, roots in sorted(self._known.items()) if known < number for root in roots}

    def _read_until(self, number: int) -> None:
        if time.monotonic() < self._not_before:
            return
        deadline = time.monotonic() + BUDGET
        for missing in range(number - 1, 0, -1):
            if missing not in self._known:
                if time.monotonic() > deadline:
                    raise ChainError(f"those of rounds 1 to {missing} are still to be read")
                updates = self._coordinator.updates(missing)
                self._known[missing] = frozenset(update.root for update in updates)

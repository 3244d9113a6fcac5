"""The roots that were revealed in earlier rounds, read from the contract once."""

from __future__ import annotations

import logging
import time

from fedprotocol.chain.errors import ChainError
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.errors import FedError

log = logging.getLogger("fednode")

BUDGET = 20.0  # seconds for one look-up; after a start, all rounds have to be read
AGAIN_SECONDS = 60.0  # seconds until a failed look-up is tried again


class EarlierRoots:
    """It uses one plain call for each round, which every RPC node answers, and needs no event log. A round is over
    before Train of the next one is, so what was read about it stays right.
    """

    def __init__(self, coordinator: Coordinator) -> None:
        self._coordinator = coordinator
        self._known: dict[int, frozenset[bytes]] = {}
        self._not_before = 0.0

    def before(self, number: int) -> dict[bytes, int]:
        """Root -> the round in which it was revealed, for all rounds before `number` that can be read. It never raises:
        if one node misses an update that was used before, others see it, and a node that cannot look should vote all
        the same. The log says so.
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

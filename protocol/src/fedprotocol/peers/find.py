"""Which places the participants of a federation announce, read from the chain now and then."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping

from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.peer_directory import PeerDirectory
from fedprotocol.chains import DEVELOPMENT_CHAINS
from fedprotocol.config import ConnectionConfig
from fedprotocol.errors import FedError
from fedprotocol.peers.announcement import usable
from fedprotocol.store.base import Store
from fedprotocol.store.open import open_store
from fedprotocol.types import Proposal

log = logging.getLogger(__name__)

SECONDS = 10.0
"""After which the chain is asked again, when something is looked for."""
WAIT_SECONDS = 2.0
"""How long a fetch waits for the answer, and no longer: without it, it asks those that are known."""
ROUNDS = 2
"""The rounds opened last, whose proposers count."""


def announced(coordinator: Coordinator) -> dict[str, tuple[str, ...]]:
    """Account -> the places that it announces and that may be read from.

    Accounts with a seat count, and those that proposed in the last rounds. Raises ChainError.
    """
    is_local = coordinator.chain_id in DEVELOPMENT_CHAINS
    last = coordinator.last_opened()
    accounts = dict.fromkeys(coordinator.clients())
    for number in range(max(1, last - ROUNDS + 1), last + 1):
        proposals: tuple[Proposal, ...] = coordinator.proposals(number)
        accounts |= dict.fromkeys(proposal.proposer for proposal in proposals)
    said = PeerDirectory(coordinator).announced(list(accounts))
    places = {account: usable(text, is_local) for account, text in said.items()}
    return {account: found for account, found in places.items() if found}


class PeerFinder:
    """Called by a store that lacks something. It asks the chain in a thread of its own, and answers with what is known
    if that takes long. Nothing that goes wrong with it is an error of the fetch."""

    def __init__(self, connect: Callable[[], Coordinator]) -> None:
        """`connect` is called in that thread. Raises ChainError."""
        self._connect = connect
        self._found: Mapping[str, tuple[str, ...]] = {}
        self._asked = -SECONDS
        self._is_asking = threading.Lock()
        self._answered = threading.Event()
        self._said = ""

    def __call__(self) -> tuple[str, ...]:
        """The places announced by others, each once."""
        if time.monotonic() - self._asked >= SECONDS and self._is_asking.acquire(blocking=False):
            self._asked = time.monotonic()
            self._answered.clear()
            threading.Thread(target=self._ask, name="find peers", daemon=True).start()
        self._answered.wait(WAIT_SECONDS)
        return tuple(dict.fromkeys(place for places in self._found.values() for place in places))

    def _ask(self) -> None:
        try:
            found = announced(self._connect())
            if new := sorted(found.keys() - self._found.keys()):
                log.info("peers announced by %s", ", ".join(new))
            self._found, self._said = found, ""
        except FedError as error:
            if str(error) != self._said:
                log.warning("announced peers cannot be read: %s", error)
            self._said = str(error)
        except Exception:
            log.exception("unexpected error while reading announced peers")
        finally:
            self._answered.set()
            self._is_asking.release()


def open_shared_store(config: ConnectionConfig, connect: Callable[[], Coordinator]) -> Store:
    """The store of a config, which also reads from what others announce unless the config says not to.

    `connect` gives the coordinator when something is first looked for. Raises StoreError.
    """
    store = config.store
    find = PeerFinder(connect) if store.find_peers else None
    return open_store(store.url, config.cache, store.peers, find, config.chain.chain_id in DEVELOPMENT_CHAINS)

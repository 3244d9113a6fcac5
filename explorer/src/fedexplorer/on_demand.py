"""What is fetched only when somebody looks at a page that needs it: transactions, content, convictions."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.event_index import EventIndex
from fedprotocol.chains import DEVELOPMENT_CHAINS
from fedprotocol.errors import FedError
from fedprotocol.peers.find import PeerFinder
from fedprotocol.store.base import Store
from fedprotocol.store.open import open_store

from fedexplorer.content.content import Content, RuleName
from fedexplorer.content.store_watch import AWAY, NOBODY, StoreWatch
from fedexplorer.disputes.disputes import Disputes
from fedexplorer.follow.entries import Entries
from fedexplorer.follow.state import Federation
from fedexplorer.given.settings import Settings
from fedexplorer.transactions.contracts import Contracts
from fedexplorer.transactions.shelf import Transactions

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class OnDemand:
    """`store`, `content` and `disputes` are None where there is no store to read from."""

    entries: Entries
    transactions: Transactions
    store: StoreWatch | None
    content: Content | None
    disputes: Disputes | None

    @classmethod
    def open(
        cls,
        settings: Settings,
        coordinator: Coordinator,
        events: EventIndex,
        federation: Federation,
        head: Callable[[], int],
    ) -> Self:
        """`head`: the number of the newest block that is known."""
        contracts = Contracts.of(federation.coordinator, federation.config)
        transactions = Transactions(coordinator.web3, contracts, settings.transactions, head)
        entries = Entries(federation.coordinator, settings.events)
        store = _store(settings, coordinator)
        if store is None:
            return cls(entries, transactions, None, None, None)
        is_kubo = settings.store is not None and settings.store.url.startswith("kubo:")
        watch = StoreWatch(store, is_kubo, AWAY if settings.names_store else NOBODY)
        folder, limit = settings.content, settings.cache
        rule = RuleName(federation.rule, federation.masking)
        content = Content(coordinator, events, federation.config, rule, store, folder, limit)
        watch.start()
        return cls(entries, transactions, watch, content, Disputes(coordinator, events, content))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for opened in (self.disputes, self.content, self.store, self.transactions, self.entries):
            if opened is not None:
                opened.close()


def _store(settings: Settings, coordinator: Coordinator) -> Store | None:
    if settings.store is None:
        return None
    find = PeerFinder(lambda: coordinator) if settings.store.find_peers else None
    is_local = coordinator.chain_id in DEVELOPMENT_CHAINS
    try:
        return open_store(
            settings.store.url, settings.content, settings.store.peers, find, is_local, only_reads=settings.names_store
        )
    except FedError as error:
        log.error("content cannot be shown: %s", error)
        return None

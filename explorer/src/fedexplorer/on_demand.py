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
from fedprotocol.store.open import open_store

from fedexplorer.content.content import Content
from fedexplorer.disputes.disputes import Disputes
from fedexplorer.follow.entries import Entries
from fedexplorer.follow.state import Federation
from fedexplorer.given.settings import Settings
from fedexplorer.transactions.contracts import Contracts
from fedexplorer.transactions.shelf import Transactions

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class OnDemand:
    """`content` and `disputes` are None where there is no store to read from."""

    entries: Entries
    transactions: Transactions
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
        content = _content(settings, coordinator, events, federation)
        disputes = None if content is None else Disputes(coordinator, events, content)
        return cls(Entries(federation.coordinator, settings.events), transactions, content, disputes)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for opened in (self.disputes, self.content, self.transactions, self.entries):
            if opened is not None:
                opened.close()


def _content(
    settings: Settings, coordinator: Coordinator, events: EventIndex, federation: Federation
) -> Content | None:
    if settings.store is None:
        return None
    find = PeerFinder(lambda: coordinator) if settings.store.find_peers else None
    is_local = federation.chain_id in DEVELOPMENT_CHAINS
    try:
        store = open_store(settings.store.url, settings.content, settings.store.peers, find, is_local, only_reads=True)
    except FedError as error:
        log.error("content cannot be shown: %s", error)
        return None
    return Content(coordinator, events, federation.config, federation.rule, store, settings.content, settings.cache)

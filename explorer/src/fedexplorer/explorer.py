"""Everything behind the pages, from the settings: what reads the chain, and what reads the store."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import Self

from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.event_index import EventIndex

from fedexplorer.follow.first_block import first_block
from fedexplorer.follow.follower import Follower
from fedexplorer.follow.money import MoneyFollower
from fedexplorer.follow.state import State
from fedexplorer.given.score_files import pooled
from fedexplorer.given.settings import Settings
from fedexplorer.on_demand import OnDemand
from fedexplorer.views.site import Site

EVERY = 1.0  # seconds between two looks at the chain


class Explorer:
    """Reads from when it is entered until it is left. Any number of threads may ask for the `site`."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.follower = Follower(self.connect, self._index, EVERY, self._money, _set_history_aside)
        self._on_demand: OnDemand | None = None
        self._opening = threading.Lock()
        self._opened = ExitStack()

    def __enter__(self) -> Self:
        self.follower.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.close()
        self.follower.stop()

    @contextmanager
    def read_once(self) -> Iterator[Site]:
        """What pages are made from, read once and then no more. Raises FedError if the chain cannot be read."""
        try:
            self.follower.look()
            yield self.site()
        finally:
            self.__exit__(None, None, None)

    def connect(self) -> Coordinator:
        """The federation's coordinator. Raises ChainUnreachable, WrongChain, NoContract, NotACoordinator."""
        chain = self.settings.chain
        return Coordinator.connect(chain.rpc, chain.coordinator, chain.chain_id)

    def site(self) -> Site:
        """What pages are made from now. Raises NotYet."""
        state, shown = self.follower.state(), self.settings.shown
        fetched = self._fetched(state)
        return Site(
            state,
            names={**fetched.transactions.contracts.names, **shown.names},
            title=shown.title,
            scores=pooled(shown.scores.measured(), _globals(state)),
            entry=fetched.entries.entry,
            transactions=fetched.transactions,
            content=fetched.content,
            disputes=fetched.disputes,
            store_problem="" if fetched.store is None else fetched.store.problem,
        )

    def _fetched(self, state: State) -> OnDemand:
        with self._opening:
            if self._on_demand is None:
                coordinator, events = self.follower.opened()
                opened = OnDemand.open(self.settings, coordinator, events, state.federation, self._head)
                self._on_demand = self._opened.enter_context(opened)
            return self._on_demand

    def _head(self) -> int:
        return self.follower.state().events_to

    def _index(self, coordinator: Coordinator) -> EventIndex:
        return EventIndex(coordinator, self.settings.events, lambda: first_block(coordinator))

    def _money(self, coordinator: Coordinator) -> MoneyFollower:
        return MoneyFollower(coordinator, self.settings.transfers)


def _globals(state: State) -> dict[int, bytes]:
    """The root of each final round's global, and of the genesis, by round."""
    final = {event.args["round"]: event.args["root"] for event in state.log.named("RoundFinalized")}
    return {0: state.federation.config.genesis_root, **final}


def _set_history_aside() -> None:
    """What was read stays for as long as the program runs. If Python's garbage collector went on looking through it,
    every page would now and then wait for that: a third of a second with a hundred thousand events."""
    gc.collect()
    gc.freeze()

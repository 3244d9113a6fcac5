"""Reads the chain, in one thread for all viewers: what ten of them look at costs the chain's node no more than what one
does."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace

from fedprotocol.chain.amounts import Amounts
from fedprotocol.chain.errors import ChainError
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.event_index import EventIndex
from fedprotocol.chain.read.snapshot import Snapshot, take_snapshot
from fedprotocol.chain.read.trust import examine, foreign
from fedprotocol.errors import FedError
from fedprotocol.masks.document import Masking
from pydantic import ValidationError

from fedexplorer.chain_problems import for_visitors
from fedexplorer.errors import NotYet
from fedexplorer.follow.money import Money, MoneyFollower
from fedexplorer.follow.state import Federation, Reorg, State
from fedexplorer.history.all_rounds import Rounds
from fedexplorer.history.log import Log

log = logging.getLogger(__name__)

NOBODY = "0x" + 40 * "0"  # the account whose view of the federation is read
MOST_REORGS = 20  # that are remembered
SLOWEST = 30.0  # seconds between two tries while the chain does not answer
MOST_DOUBLINGS = 10  # of the pause between two tries


class Follower:
    """Keeps `state` up to date.

    Args:
        connect: the coordinator; called again until it succeeds.
        index: the event index of a coordinator. It must begin with the coordinator's creation.
        every: seconds between two looks at the chain.
        money: what follows the coordinator's money; by default it keeps in memory what it reads.
        after_first: called once, when the state is there for the first time.
    """

    def __init__(
        self,
        connect: Callable[[], Coordinator],
        index: Callable[[Coordinator], EventIndex],
        every: float = 1.0,
        money: Callable[[Coordinator], MoneyFollower] = MoneyFollower,
        after_first: Callable[[], None] = lambda: None,
    ) -> None:
        self._connect = connect
        self._open_index = index
        self._every = every
        self._open_money = money
        self._after_first = after_first
        self._money: MoneyFollower | None = None
        self._coordinator: Coordinator | None = None
        self._index: EventIndex | None = None
        self._federation: Federation | None = None
        self._state: State | None = None
        self._problem = self._said = ""  # what visitors are told, and what the log says
        self._far = ""  # how far the first reading has come, in words
        self._stop = threading.Event()
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="follower", daemon=True)

    # ------------------------------------------------------------- for readers

    def state(self) -> State:
        """What was last read. Raises NotYet before the first time, with the reason."""
        if self._state is None:
            raise NotYet(self._problem or f"the events of the federation are being read for the first time{self._far}")
        return self._state

    def opened(self) -> tuple[Coordinator, EventIndex]:
        """The coordinator, and the index of its events, as soon as there is a state. Raises NotYet."""
        self.state()
        if self._coordinator is None or self._index is None:
            raise NotYet("the chain is being connected")
        return self._coordinator, self._index

    @property
    def version(self) -> int:
        """The version of the state; 0 before the first."""
        return 0 if self._state is None else self._state.version

    def wait(self, version: int, seconds: float) -> int:
        """Wait until the state has another version than `version`, at most so long. Returns its version."""
        with self._changed:
            self._changed.wait_for(lambda: self.version != version or self._stop.is_set(), seconds)
        return self.version

    # --------------------------------------------------------------- the thread

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the thread; it may be in the middle of a question to the chain, and is not waited for long."""
        self._stop.set()
        with self._changed:
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join(5.0)
        for opened in (self._index, self._money):
            if opened is not None:
                opened.close()

    def _run(self) -> None:
        failures = 0
        while not self._stop.is_set():
            try:
                self.look()
                failures = 0
            except Exception as error:
                failures += 1
                self._fail(error)
            self._stop.wait(min(SLOWEST, self._every * 2 ** min(failures, MOST_DOUBLINGS)))

    def look(self) -> None:
        """Read what is new. Raises FedError."""
        if self._coordinator is None:
            self._coordinator = self._connect()
        coordinator = self._coordinator
        if self._federation is None:
            self._federation = _federation(coordinator)
        if self._index is None:
            self._index = self._open_index(coordinator)
        if self._money is None:
            self._money = self._open_money(coordinator)
        reached = self._index.sync(self._tell)
        snapshot = take_snapshot(coordinator, NOBODY)
        events, reorgs = self._read_log(self._index)
        money = self._money.look(events, reached, self._index.hash_of(reached))
        self._put(events, reorgs, snapshot, reached, self._federation, money)

    def _tell(self, block: int, head: int) -> None:
        self._far = f": block {block} of {head}"

    def _read_log(self, index: EventIndex) -> tuple[Log, tuple[Reorg, ...]]:
        """The log with what is new, and re-orgs if there was one more."""
        known = Log() if self._state is None else self._state.log
        reorgs = () if self._state is None else self._state.reorgs
        kept = known.kept_by(index.has)
        if removed := len(known) - len(kept):
            block = kept[-1].block if len(kept) else 0
            reorgs = (Reorg(block, removed, time.time()), *reorgs)[:MOST_REORGS]
            log.info("a re-org: %d events after block %d are gone", removed, block)
        after = (kept[-1].block, kept[-1].log_index) if len(kept) else None
        return kept.extended(index.stream(after=after)), reorgs

    def _put(
        self,
        events: Log,
        reorgs: tuple[Reorg, ...],
        snapshot: Snapshot,
        reached: int,
        federation: Federation,
        money: Money,
    ) -> None:
        before = self._state
        changed = before is None or bool(before.problem) or _shown(before.snapshot) != _shown(snapshot)
        changed = changed or before is None or len(events) != len(before.log) or reorgs != before.reorgs
        changed = changed or before is None or _witnessed(before.money) != _witnessed(money)
        version = (0 if before is None else before.version) + changed
        self._problem = self._said = ""
        rounds = Rounds() if before is None else before.rounds
        views = {found.number: found.view for found in snapshot.rounds}
        rounds = rounds.then(events, federation.config, snapshot.time, views)
        self._state = State(federation, events, snapshot, reached, time.time(), version, money, rounds, "", reorgs)
        if before is None:
            self._after_first()
        if changed:
            with self._changed:
                self._changed.notify_all()

    def _fail(self, error: Exception) -> None:
        problem, said = for_visitors(error), str(error)
        if said != self._said:
            log.warning("the chain cannot be read: %s", said, exc_info=not isinstance(error, FedError))
        self._problem, self._said = problem, said
        if self._state is not None and not self._state.problem:
            self._state = replace(self._state, problem=problem, version=self._state.version + 1)
            with self._changed:
                self._changed.notify_all()


def _shown(snapshot: Snapshot) -> object:
    """What of a snapshot a page may show, besides the passing of time."""
    rounds = [(found.number, found.view, found.proposals) for found in snapshot.rounds]
    return rounds, snapshot.balances, snapshot.active_count, snapshot.closed, snapshot.final_count


def _witnessed(money: Money) -> object:
    """What of the money may change without an event."""
    return money.problem, money.held, money.lens, len(money.transfers)


def _federation(coordinator: Coordinator) -> Federation:
    try:
        rule, masking = coordinator.rule_name, _masking(coordinator)
    except (ChainError, ValidationError):
        rule, masking = "unknown", None
    return Federation(
        coordinator.chain_id,
        coordinator.address,
        coordinator.config(),
        rule,
        Amounts.of(coordinator.token),
        tuple(map(str, foreign(examine(coordinator)))),
        masking,
    )


def _masking(coordinator: Coordinator) -> Masking | None:
    """What the rule's contract says. Raises ChainError; ValidationError if no federation has such numbers."""
    if not coordinator.config().is_masked:
        return None
    scale, bound = coordinator.rule_parameters
    return Masking(scale=scale, bound=bound)

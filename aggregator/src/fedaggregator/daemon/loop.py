"""A daemon's loop without a key: read the chain, decide, do the one next thing, try again later what failed."""

from __future__ import annotations

import logging
import threading
import time
from abc import ABC, abstractmethod
from dataclasses import replace

from fedprotocol import metrics
from fedprotocol.chain.amounts import Amounts
from fedprotocol.chain.endpoint.new_heads import waking
from fedprotocol.chain.errors import ChainError
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.event_index import index_at
from fedprotocol.chain.read.snapshot import RoundState, Snapshot, take_snapshot
from fedprotocol.chain.send.fees import is_free
from fedprotocol.errors import FedError
from fedprotocol.monitor.health import Health
from fedprotocol.monitor.last_seen import Keeper
from fedprotocol.monitor.start import monitored
from fedprotocol.program.background import LANE_SECONDS, Background, Outcome
from fedprotocol.program.backoff import LONGEST_PAUSE, Backoff, Setback
from fedprotocol.program.only_for_people import OnlyForPeople
from fedprotocol.program.unforeseen import Unforeseen
from fedprotocol.store.base import Stopped, Store

from fedaggregator.compute.confirmations import is_confirmed
from fedaggregator.compute.unseen import stands_unseen
from fedaggregator.config import AggregatorConfig
from fedaggregator.daemon.actions import Action, Done, Interrupt, Merge, Report, Sent, Wait, Work, describe
from fedaggregator.daemon.decide import decide, time_left
from fedaggregator.daemon.facts import Facts
from fedaggregator.daemon.journal_facts import Memory
from fedaggregator.daemon.status import CHAIN, Reporter

STEP_SECONDS = 3600.0  # seconds of waiting for transactions
SLICE = 0.1  # seconds after which a request to stop is noticed

log = logging.getLogger("fedaggregator")


class NotYet(FedError):
    """It is too early, and nothing is wrong. The message says what the chain must show first."""


WAITING = "waiting"  # the key of the problem that the aggregator waits for a person


class Loop(ABC):
    """The loop for one federation, from the view of `account`. Everything that it must remember is in its journal."""

    def __init__(
        self, config: AggregatorConfig, coordinator: Coordinator, store: Store, account: str, memory: Memory
    ) -> None:
        self.config = config
        self.coordinator = coordinator
        self.events = index_at(coordinator, config.events)
        self.store = store
        self.health = Health(config.chain.poll_seconds)
        self.account = account
        self.memory = memory
        self.amounts = Amounts.of(coordinator.token)
        keeper = Keeper(config.last_seen, coordinator.address, self.amounts, lambda: is_free(coordinator.web3.eth))
        self.reporter = Reporter(config.status, self.health, self.amounts.decimals, keeper)
        self.background: Background[Work] = Background()
        self.backoff: Backoff[Action] = Backoff(time.monotonic, config.chain.poll_seconds)
        self._last_error: Exception | None = None
        self._unforeseen = Unforeseen()
        self.only_for_people = OnlyForPeople(log)

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set or the federation is over. Errors are reported, and what failed is tried again."""
        with (
            monitored(self.config.monitor.port, self.health, self.store),
            waking(self.config.chain.websockets, self.background.wake),
        ):
            while not stop.is_set():
                try:
                    action = self.turn()
                except Exception as error:  # the chain or the journal cannot be read: nothing can be decided
                    self._unread(error)
                    self._sleep(stop)
                    continue
                if isinstance(action, Done):
                    return
                if isinstance(action, Wait):
                    self._sleep(stop)

    def turn(self) -> Action:
        """Read, decide and act once: send something, or start it in the background. Returns the action, whose errors
        are not raised here.

        Raises:
            FedError: the chain or the journal cannot be read.
        """
        snapshot = take_snapshot(self.coordinator, self.account)
        for outcome in self.background.outcomes():
            self._ended(outcome, snapshot)
        facts = self._facts(snapshot)
        action = decide(snapshot, facts)
        with self.only_for_people("saying how it is"):
            self._say(snapshot, facts, action)
            self.look(snapshot, facts)
        match action:
            case Wait() | Done():
                pass
            case Interrupt(work):
                log.info("%s", describe(action))
                self.background.interrupt(work)
            case _ if isinstance(action, Sent):
                self._send(action, snapshot)
            case _:
                self._start(action, snapshot)
        return action

    def step(self) -> Action:
        """One turn that waits for everything it started, for tests and for use by hand. Raises: Exception: the error of
        the action.
        """
        self._last_error = None
        action = self.turn()
        while self.background.running() - self.background.stopped():
            self.background.wait(LANE_SECONDS)
            snapshot = take_snapshot(self.coordinator, self.account)
            for outcome in self.background.outcomes():
                self._ended(outcome, snapshot)
        if self._last_error is not None:
            raise self._last_error
        return action

    def look(self, snapshot: Snapshot, facts: Facts) -> None:  # noqa: B027 (most have nothing to look at)
        """Show the state before each action."""

    def send(self, action: Sent, snapshot: Snapshot) -> None:  # noqa: B027 (without a key nothing is decided)
        """Perform an action that sends a transaction; only programs with a key do. Raises FedError."""

    @abstractmethod
    def work(self, action: Work, snapshot: Snapshot, stop: threading.Event) -> None:
        """Perform an action in its background thread, until `stop` is set. Raises FedError."""

    def failed(self, action: Action, error: Exception, snapshot: Snapshot) -> None:
        """`action` could not be done: it is tried again after a pause, and several times before it comes too late."""
        self.backoff.retry_later(action, Setback(str(error) or type(error).__name__), time_left(snapshot, action))
        if isinstance(error, Stopped):
            return
        self._last_error = error
        if isinstance(action, Merge):
            self.memory.merge_failed(action.round)
        with self.only_for_people("saying what failed"):
            metrics.RETRIES.labels(type(action).__name__.lower()).inc()
            is_told = self._unforeseen.tell(log, action, error, describe(action))
            self.reporter.failed(action, describe(action), error, is_told)

    def cases_at_hand(self, snapshot: Snapshot) -> frozenset[tuple[int, bytes]]:  # noqa: ARG002 used by programs that send
        """Round and root of the proposals against which a proof is ready."""
        return frozenset()

    def impeachable(self, snapshot: Snapshot) -> frozenset[int]:  # noqa: ARG002 used by programs that merge
        """Rounds whose updates add up to garbage, of which the proof is ready."""
        return frozenset()

    def announcement(self) -> str | None:
        """What the peer directory should say of this account and does not say yet."""
        return None

    def left_open(self) -> bool:
        """Whether transactions of an earlier run may still be mined."""
        return False

    def _send(self, action: Sent, snapshot: Snapshot) -> None:
        try:
            self.send(action, snapshot)
        except NotYet as why:
            log.info("%s", why)
            self.backoff.retry_later(action, Setback(str(why), too_early=True))
        except Exception as error:
            self.failed(action, error, snapshot)
        else:
            self._succeeded(action)

    def _succeeded(self, action: Action) -> None:
        self.backoff.succeeded(action)
        with self.only_for_people("saying what works again"):
            self.reporter.succeeded(action, describe(action))

    def _start(self, action: Work, snapshot: Snapshot) -> None:
        self.background.start(action, lambda stop: self.work(action, snapshot, stop))

    def _ended(self, outcome: Outcome[Work], snapshot: Snapshot) -> None:
        if outcome.error is None:
            self._succeeded(outcome.work)
            if isinstance(outcome.work, Report):  # report it again only if its leaves could not be read
                self.backoff.postpone(outcome.work, LONGEST_PAUSE, time_left(snapshot, outcome.work))
        else:
            self.failed(outcome.work, outcome.error, snapshot)

    def _facts(self, snapshot: Snapshot) -> Facts:
        unconfirmed = frozenset(s.number for s in snapshot.rounds if not self._is_confirmed(s))
        stand = frozenset(
            s.number for s in snapshot.rounds if stands_unseen(self.coordinator, s, self.memory.own_root(s))
        )
        return replace(
            self.memory.facts(snapshot, unconfirmed, self.cases_at_hand(snapshot), stand, self.impeachable(snapshot)),
            amounts=self.amounts,
            left_open=self.left_open(),
            announcement=self.announcement(),
            running=self.background.running(),
            stopped=self.background.stopped(),
            overdue=self.background.older_than(LANE_SECONDS),
            paused=self.backoff.paused(),
            failing=self.backoff.failing(),
        )

    def _is_confirmed(self, state: RoundState) -> bool:
        """How deep the inputs lie is a precaution. If a node cannot say it, this does not prevent a proposal."""
        try:
            return is_confirmed(self.coordinator, state, self.config.chain.confirmations)
        except ChainError as error:
            log.debug("round %d: the depth of its inputs is not known: %s", state.number, error)
            return True

    def _say(self, snapshot: Snapshot, facts: Facts, action: Action) -> None:
        until = action.until or 0 if isinstance(action, Wait) else 0
        failing = {work for work, setback in facts.failing.items() if not setback.too_early}
        self.reporter.look(failing | facts.running, {s.number for s in snapshot.rounds if not s.view.phase.settled})
        is_problem = isinstance(action, Wait) and action.problem
        if is_problem and not failing:  # what fails was reported when it failed
            self.reporter.problem(describe(action), WAITING)
        else:
            self.reporter.over(WAITING)
        seconds = STEP_SECONDS if isinstance(action, Sent) else 0.0
        self.reporter.activity(snapshot, describe(action), until, seconds, is_told=is_problem)

    def _unread(self, error: Exception) -> None:
        with self.only_for_people("saying what failed"):
            is_told = self._unforeseen.tell(log, None, error)
            self.reporter.failed(CHAIN, "", error, is_told)
            self.reporter.unread()

    def _sleep(self, stop: threading.Event) -> None:
        """Wait until the next poll of the chain, the next block that is announced, the end of background work, or until
        `stop` is set."""
        end = time.monotonic() + self.config.chain.poll_seconds
        while not stop.is_set() and time.monotonic() < end and not self.background.wait(SLICE):
            pass

"""The loop: read the chain, decide, do the next thing, and say what it is."""

from __future__ import annotations

import logging
import queue
import time
from collections.abc import Callable
from typing import Any

from fedprotocol.chain.amounts import Amounts
from fedprotocol.chain.endpoint.new_heads import waking
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.event_index import index_at
from fedprotocol.chain.read.snapshot import Snapshot, take_snapshot
from fedprotocol.chain.send.fees import is_free
from fedprotocol.chain.send.sender import Sender
from fedprotocol.errors import FedError
from fedprotocol.journal import Journal, JournalError
from fedprotocol.monitor.chain import introduce
from fedprotocol.monitor.health import Health
from fedprotocol.monitor.last_seen import Keeper
from fedprotocol.program.background import LANE_SECONDS, Background, Outcome
from fedprotocol.program.backoff import LONGEST_PAUSE, TRIES_LEFT, Backoff, Setback
from fedprotocol.program.only_for_people import OnlyForPeople
from fedprotocol.program.unforeseen import Unforeseen
from fedprotocol.spec import Spec
from fedprotocol.store.base import Stopped, Store

from fednode.config import NodeConfig
from fednode.daemon.action_context import Tools
from fednode.daemon.actions import action as do
from fednode.daemon.actions.content.earlier_roots import EarlierRoots
from fednode.daemon.actions.model.launched_model import LaunchedModel
from fednode.daemon.actions.model.loaded_model import LoadedModel
from fednode.daemon.actions.model.node_model import Interrupted, ModelFailure
from fednode.daemon.decide import decide
from fednode.daemon.facts import Facts, Underway
from fednode.daemon.gather_facts import configured, remembered
from fednode.daemon.journal_facts import Memory
from fednode.daemon.model_progress import ModelProgress
from fednode.daemon.peers_now import peers_now
from fednode.daemon.penalties import note_penalties
from fednode.daemon.policy_now import policy_now
from fednode.daemon.reporting import Reporter
from fednode.daemon.settled_rounds import SettledRounds

log = logging.getLogger("fednode")


class Left(FedError):
    """The node ended for a reason that a person should know."""


class Daemon:
    """One node of one federation. `health` is told how it goes; `clock`: monotonic seconds."""

    def __init__(
        self,
        config: NodeConfig,
        spec: Spec,
        coordinator: Coordinator,
        sender: Sender,
        journal: Journal,
        store: Store,
        account: str,
        health: Health,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._config = config
        self._coordinator = coordinator
        self._account = account
        self._memory = Memory(journal)
        self._background: Background[do.Work] = Background()
        progress = ModelProgress()
        self._amounts = Amounts.of(coordinator.token)
        decimals, depth = self._amounts.decimals, config.chain.confirmations
        keeper = Keeper(config.last_seen, coordinator.address, self._amounts, lambda: is_free(coordinator.web3.eth))
        self._reporter = Reporter(config.status, account, decimals, depth, progress, health, keeper)
        self._settled = SettledRounds(config.metrics, decimals)
        self._backoff: Backoff[do.Action] = Backoff(clock, config.chain.poll_seconds)
        self._parts: queue.SimpleQueue[tuple[do.Work, Any]] = queue.SimpleQueue()
        self._tools = Tools(
            config=config,
            spec=spec,
            coordinator=coordinator,
            events=index_at(coordinator, config.events),
            sender=sender,
            journal=journal,
            store=store,
            memory=self._memory,
            earlier_roots=EarlierRoots(coordinator),
            model=(LoadedModel if config.training.is_alone else LaunchedModel)(config, spec, store, progress),
            tell=lambda work, part: self._parts.put((work, part)),
            report=lambda text, action, number: self._reporter.problem(text, (action, text), number),
        )
        self._ended: list[Outcome[do.Work]] = []  # not written down yet
        self._told: list[tuple[do.Work, Any]] = []  # parts of results, not written down yet
        self._unforeseen = Unforeseen()
        self._failure = ""
        self._only_for_people = OnlyForPeople(log)
        introduce("fednode", coordinator, account)

    def run(self) -> str:
        """Until the federation is over or the account has left it; returns why.

        Raises Left if that is not a success.
        """
        try:
            with waking(self._config.chain.websockets, self._background.wake):
                return self._until_finished()
        finally:
            self._reporter.close()
            self._background.interrupt_all()
            self._tools.model.close()

    def _until_finished(self) -> str:
        while True:
            try:
                action = self._cycle()
            except Exception as error:  # a full disk: nothing is sent that is not written down before
                self._unusable(error)
                self._background.wait(self._config.chain.poll_seconds)
                continue
            if isinstance(action, do.Finish):
                if action.failure:
                    raise Left(action.reason)
                return action.reason

    def _cycle(self) -> do.Action | None:
        try:
            chain = take_snapshot(self._coordinator, self._account)
        except FedError as error:
            with self._only_for_people("saying that the chain cannot be read"):
                self._reporter.unread(error)
            self._background.wait(self._config.chain.poll_seconds)
            return None
        self._collect(chain)
        with self._only_for_people("looking for penalties"):
            note_penalties(self._coordinator, self._memory, chain)
        with self._only_for_people("writing down how a round ended"):
            self._settled.note(chain)
        facts = self._facts(chain)
        action = decide(chain, facts)
        with self._only_for_people("saying how it is"):
            self._reporter.phases(chain)
            self._reporter.activity(chain, facts, action)
        match action:
            case do.Wait():
                self._background.wait(self._config.chain.poll_seconds)
            case do.Finish():
                log.log(logging.DEBUG if action.failure else logging.INFO, "%s", action.reason)  # it is raised
            case do.Interrupt(work):
                log.info("%s", action.describe())
                self._background.interrupt(work)
            case do.Work():
                self._start(action, chain, facts)
            case do.ChainAction():
                self._send(action, chain, facts)
        return action

    def _start(self, action: do.Work, chain: Snapshot, facts: Facts) -> None:
        try:
            work = action.job(self._tools, chain, facts)
        except Exception as error:
            self._failed(action, error, chain)
        else:
            self._background.start(action, work)

    def _send(self, action: do.ChainAction, chain: Snapshot, facts: Facts) -> None:
        try:
            action.send(self._tools, chain, facts)
        except do.TooEarly as error:
            self._backoff.retry_later(action, Setback(str(error), too_early=True))
        except do.Overtaken as error:
            log.info("%s: %s", action.describe(), error)
            self._backoff.postpone(action, LONGEST_PAUSE)
        except do.Outdated as error:
            log.info("%s: %s", action.describe(), error)
            self._backoff.pause(action, self._config.chain.poll_seconds)
        except Exception as error:
            self._failed(action, error, chain)
        else:
            self._succeeded(action)
            # A chain that mines by the clock shows the transaction at once; one read behind must not send it twice.
            self._backoff.pause(action, self._config.chain.poll_seconds)

    # -------------------------------------------------------------- collecting

    def _collect(self, chain: Snapshot) -> None:
        """Results of the background, into the journal. What cannot be written down now is kept, and tried again."""
        self._ended += self._background.outcomes()
        while not self._parts.empty():
            self._told.append(self._parts.get())
        self._told = [(work, part) for work, part in self._told if not self._noted(work, chain, self._hear, work, part)]
        self._ended = [one for one in self._ended if not self._noted(one.work, chain, self._apply, one)]

    def _noted(self, work: do.Action, chain: Snapshot, note: Callable[..., None], *what: Any) -> bool:
        """Whether `note(*what, chain)` need not be tried again."""
        try:
            note(*what, chain)
        except (JournalError, OSError) as error:
            self._reporter.problem(str(error), "journal")
            return False
        except Exception as error:
            self._failed(work, error, chain)
        return True

    def _hear(self, work: do.Work, part: Any, chain: Snapshot) -> None:
        work.heard(self._tools, part, chain)

    def _apply(self, outcome: Outcome[do.Work], chain: Snapshot) -> None:
        work = outcome.work
        if outcome.error is not None:
            self._background_failed(work, outcome.error, chain)
            return
        work.ended(self._tools, outcome.result, chain)
        self._succeeded(work)
        again = work.revisit(chain)
        if again is not None:
            self._backoff.postpone(work, again.longest, again.left)

    def _background_failed(self, work: do.Work, error: Exception, chain: Snapshot) -> None:
        match error:
            case Interrupted() | Stopped():
                log.info("stopped: %s", work.describe())
                if work.lane is not do.Lane.MODEL:  # others had a right to its lane
                    self._backoff.pause(work, min(LANE_SECONDS, work.time_left(chain) / TRIES_LEFT))
            case ModelFailure():
                self._failure = str(error)
                self._reporter.model_failed(error)
            case _ if work.is_hopeless(error):
                self._backoff.give_up(work, Setback(str(error), for_good=True))
                self._reporter.failed(work, error)
            case _ if work.lane is do.Lane.MODEL and self._unforeseen.is_again(work, error):
                self._backoff.give_up(work, Setback(str(error) or type(error).__name__, for_good=True))
                with self._only_for_people("saying what failed"):
                    self._reporter.failed(work, error)
            case _:
                self._failed(work, error, chain)

    def _failed(self, action: do.Action, error: Exception, chain: Snapshot) -> None:
        """`action` could not be done: it is tried again after a pause, and several times before it comes too late."""
        setback = Setback(str(error) or type(error).__name__)
        seconds = self._backoff.retry_later(action, setback, action.time_left(chain))
        for other in action.failed(self._tools, error, chain):
            self._backoff.retry_later(other, Setback(str(error)), other.time_left(chain))
        with self._only_for_people("saying what failed"):
            is_told = self._unforeseen.tell(log, action, error, action.describe())
            self._reporter.failed(action, error, is_told)
            log.debug("%s: again in %.0f s", action.describe(), seconds)

    def _succeeded(self, action: do.Action) -> None:
        self._backoff.succeeded(action)
        with self._only_for_people("saying what works again"):
            self._reporter.succeeded(action)

    def _unusable(self, error: Exception) -> None:
        """Report that nothing can be decided now."""
        with self._only_for_people("saying what failed"):
            self._unforeseen.tell(log, None, error)
            self._reporter.problem(str(error) or type(error).__name__, "loop")

    def _facts(self, chain: Snapshot) -> Facts:
        return Facts(
            remembered=remembered(self._tools, chain),
            configured=configured(
                self._config, chain, self._amounts, policy_now(self._tools, chain), peers_now(self._tools, chain)
            ),
            underway=Underway(
                running=self._background.running(),
                stopped=self._background.stopped(),
                overdue=self._background.older_than(LANE_SECONDS),
                paused=self._backoff.paused() | {one.work for one in self._ended},
                failing=self._backoff.failing(),
            ),
            failure=self._failure,
        )

"""The loop: read the chain, decide, do the one next thing, say what it is."""

from __future__ import annotations

import logging
import queue
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from fedaggregator.disputes.case import StaleCase
from fedprotocol.chain.amounts import Amounts
from fedprotocol.chain.errors import ContractReverted
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.event_index import index_at
from fedprotocol.chain.read.snapshot import Snapshot, take_snapshot
from fedprotocol.errors import FedError
from fedprotocol.journal import Journal, JournalError
from fedprotocol.monitor.chain import introduce
from fedprotocol.monitor.health import Health
from fedprotocol.program.background import Background, Outcome
from fedprotocol.program.backoff import TRIES_LEFT, Rests, Setback
from fedprotocol.program.unforeseen import Unforeseen
from fedprotocol.spec import Spec
from fedprotocol.store.base import Stopped, Store

from fednode.config import NodeConfig
from fednode.daemon import actions as do
from fednode.daemon.decide import decide
from fednode.daemon.facts import Facts
from fednode.daemon.fetching import Fetching, Finding
from fednode.daemon.gathering import Knowing
from fednode.daemon.jobs import Jobs
from fednode.daemon.model_work import Interrupted, ModelFailure, ModelWork
from fednode.daemon.outcomes import Outcomes
from fednode.daemon.performing import Performing, TooEarly
from fednode.daemon.phrases import describe
from fednode.daemon.progress import Progress
from fednode.daemon.remembered import Memory
from fednode.daemon.reporting import Reporter
from fednode.daemon.sending import Sending
from fednode.daemon.view import time_left
from fednode.data.plain_text import EncodingError
from fednode.training import TrainingError

log = logging.getLogger("fednode")
LONGEST_REST = 60.0  # seconds
LANE_SECONDS = 600.0  # that work in the background may keep other work waiting
BEATEN = ("DuplicateRoot", "AlreadyProposed")  # the right one stands, or this account has had its one proposal
INPUTS_CHANGED = ("WrongInputs", "WrongAccepted")  # since the chain was read; nothing is lost


class Left(FedError):
    """The node ended for a reason that a person must know."""


class Daemon:
    """One node of one federation. `health` is told how it goes; `clock`: monotonic seconds."""

    def __init__(
        self,
        config: NodeConfig,
        spec: Spec,
        coordinator: Coordinator,
        sending: Sending,
        journal: Journal,
        store: Store,
        account: str,
        health: Health,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._config = config
        self._coordinator = coordinator
        self._sending = sending
        self._journal = journal
        self._account = account
        self._memory = Memory(journal)
        self._background: Background[do.Work] = Background()
        progress = Progress()
        decimals, depth = Amounts.of(coordinator.token).decimals, config.chain.confirmations
        self._reporter = Reporter(config.status, account, decimals, depth, progress, health)
        self._rests: Rests[do.Action] = Rests(clock, config.chain.poll_seconds, LONGEST_REST)
        self._jobs = Jobs(
            ModelWork(config, spec, store, progress),
            Fetching(index_at(coordinator, config.events), store, spec, config.globals),
            lambda action, finding: self._findings.put((action, finding)),
        )
        self._outcomes = Outcomes(config, spec, journal, self._memory)
        self._performing = Performing(config, coordinator, sending, self._memory, self._outcomes, self._reporter)
        self._knowing = Knowing(config, coordinator, journal, self._memory, sending)
        self._ended: list[Outcome[do.Work]] = []  # not written down yet
        self._told: list[tuple[do.CheckInputs, Finding]] = []  # not written down yet
        self._findings: queue.SimpleQueue[tuple[do.CheckInputs, Finding]] = queue.SimpleQueue()
        self._unforeseen = Unforeseen()
        self._failure = ""
        self._untold = ""  # what could not be shown to people last
        introduce("fednode", coordinator, account)

    def run(self) -> str:
        """Until the federation is over or the account has left it; returns why.

        Raises Left if that is not a success.
        """
        try:
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
        finally:
            self._reporter.close()
            self._background.interrupt_all()

    def _cycle(self) -> do.Action | None:
        try:
            chain = take_snapshot(self._coordinator, self._account)
        except FedError as error:
            with self._aside("saying that the chain cannot be read"):
                self._reporter.unread(error)
            self._background.wait(self._config.chain.poll_seconds)
            return None
        self._collect(chain)
        facts = self._facts(chain)
        action = decide(chain, facts)
        with self._aside("saying how it is"):
            self._reporter.phases(chain)
            findings = [found.text for found in self._memory.judged(facts.recomputed).values()]
            self._reporter.activity(chain, facts, action, findings)
        match action:
            case do.Wait():
                self._background.wait(self._config.chain.poll_seconds)
            case do.Finish():
                log.info("%s", action.reason)
            case do.Interrupt(work):
                log.info("%s", describe(action))
                self._background.interrupt(work)
            case _ if isinstance(action, do.Work):
                self._start(action, chain, facts)
            case _:
                self._send(action, chain, facts)
        return action

    def _start(self, action: do.Work, chain: Snapshot, facts: Facts) -> None:
        try:
            work = self._jobs.of(action, chain, facts)
        except Exception as error:
            self._failed(action, error, chain)
        else:
            self._background.start(action, work)

    def _send(self, action: do.Action, chain: Snapshot, facts: Facts) -> None:
        try:
            self._performing.perform(action, chain, facts)
        except TooEarly as error:
            self._rests.rest(action, Setback(str(error), too_early=True))
        except Exception as error:
            name = error.name if isinstance(error, ContractReverted) else ""
            if isinstance(action, do.Propose) and name in BEATEN:
                log.info("%s: somebody else was quicker", describe(action))
                self._rests.postpone(action, LONGEST_REST)
            elif isinstance(action, do.Propose) and name in INPUTS_CHANGED:
                log.info("%s: its inputs changed (a re-org), it is recomputed", describe(action))
                self._rests.pause(action, self._config.chain.poll_seconds)
            else:
                self._failed(action, error, chain)
        else:
            self._rests.succeeded(action)
            # A chain that mines by the clock shows the transaction at once; one read behind must not send it twice.
            self._rests.pause(action, self._config.chain.poll_seconds)

    # -------------------------------------------------------------- collecting

    def _collect(self, chain: Snapshot) -> None:
        """Results of the background, into the journal. What cannot be written down now is kept, and tried again."""
        self._ended += self._background.outcomes()
        while not self._findings.empty():
            self._told.append(self._findings.get())
        self._told = [
            (work, f) for work, f in self._told if not self._noted(work, chain, self._outcomes.found, work, f)
        ]
        self._ended = [one for one in self._ended if not self._noted(one.work, chain, self._apply, one)]

    def _noted(self, work: do.Action, chain: Snapshot, note: Callable[..., None], *what: Any) -> bool:
        """Whether `note(*what, chain)` need not be tried again."""
        try:
            note(*what, chain)
        except (JournalError, OSError) as error:
            self._reporter.problem(str(error))
            return False
        except Exception as error:
            self._failed(work, error, chain)
        return True

    def _apply(self, outcome: Outcome[do.Work], chain: Snapshot) -> None:
        work = outcome.work
        if outcome.error is not None:
            self._background_failed(work, outcome.error, chain)
            return
        self._outcomes.apply(outcome, chain)
        self._rests.succeeded(work)
        if isinstance(work, do.CheckInputs):  # what is absent or malformed is asked for again
            self._rests.postpone(work, chain.config.attest_length / 16)
        elif isinstance(work, do.JudgeProposal):  # again only if its leaves could not be read
            self._rests.postpone(work, LONGEST_REST, time_left(chain, work))

    def _background_failed(self, work: do.Work, error: Exception, chain: Snapshot) -> None:
        match error:
            case Interrupted() | Stopped():
                log.info("stopped: %s", describe(work))
                if not isinstance(work, do.ModelAction):  # others had a right to its lane
                    self._rests.pause(work, min(LANE_SECONDS, time_left(chain, work) / TRIES_LEFT))
            case ModelFailure():
                self._failure = str(error)
                self._reporter.model_failed(error)
            case TrainingError() | EncodingError():  # only a new round, data or program helps
                self._rests.give_up(work, Setback(str(error), for_good=True))
                self._reporter.failed(work, error)
            case _ if isinstance(work, do.ModelAction) and self._unforeseen.is_again(work, error):
                self._rests.give_up(work, Setback(str(error) or type(error).__name__, for_good=True))
                with self._aside("saying what failed"):
                    self._reporter.failed(work, error)
            case _:
                self._failed(work, error, chain)

    def _failed(self, action: do.Action, error: Exception, chain: Snapshot) -> None:
        """`action` could not be done: it rests, and is tried several times more before it comes too late."""
        seconds = self._rests.rest(action, Setback(str(error) or type(error).__name__), time_left(chain, action))
        if isinstance(action, do.BuildCase | do.Challenge) and isinstance(error, StaleCase):
            self._memory.note_doubtful(action.round)
        if isinstance(action, do.Challenge):  # the case is built anew, as late as the call would be sent again
            self._memory.cases.pop((action.round, action.root), None)
            for proposer in _proposers(chain, action):
                build = do.BuildCase(action.round, proposer, action.root)
                self._rests.rest(build, Setback(str(error)), time_left(chain, action))
        with self._aside("saying what failed"):
            if self._unforeseen.is_news(action, error):
                log.error("%s: unexpected error", describe(action), exc_info=error)
            self._reporter.failed(action, error)
            log.debug("%s: again in %.0f s", describe(action), seconds)

    def _unusable(self, error: Exception) -> None:
        """Nothing can be decided now."""
        with self._aside("saying what failed"):
            if self._unforeseen.is_news(None, error):
                log.error("unexpected error", exc_info=error)
            self._reporter.problem(str(error) or type(error).__name__)

    @contextmanager
    def _aside(self, what: str) -> Iterator[None]:
        """What is only for people to see never keeps the node from what it owes."""
        try:
            yield
        except Exception as error:
            said = f"{what} failed: {error}"
            if said != self._untold:  # each turn would say it again
                log.warning("%s", said)
            self._untold = said

    def _facts(self, chain: Snapshot) -> Facts:
        return replace(
            self._knowing.facts(chain, self._failure),
            running=self._background.running(),
            stopped=self._background.stopped(),
            overdue=self._background.older_than(LANE_SECONDS),
            resting=self._rests.resting() | {one.work for one in self._ended},
            failing=self._rests.failing(),
        )


def _proposers(chain: Snapshot, action: do.Challenge) -> list[str]:
    state = chain.round(action.round)
    return [] if state is None else [p.proposer for p in state.proposals if p.root == action.root]

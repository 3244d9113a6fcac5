"""The loop: read the chain, decide, do the one next thing, say what it is."""

from __future__ import annotations

import logging
import os
import queue
import time
from collections.abc import Callable

from fedaggregator.dispute import StaleCase
from fedprotocol.chain.coordinator import Coordinator
from fedprotocol.chain.errors import ChainUnreachable, ContractReverted, RpcRefused, show
from fedprotocol.chain.snapshot import Snapshot, take_snapshot
from fedprotocol.chain.types import Phase
from fedprotocol.errors import FedError
from fedprotocol.journal import Journal, JournalError
from fedprotocol.spec import Spec
from fedprotocol.status import write_status
from fedprotocol.store.base import Store
from fedprotocol.tree import cid

from fednode.config import NodeConfig
from fednode.daemon import actions as do
from fednode.daemon.background import Background, Interrupted, Outcome
from fednode.daemon.decide import decide
from fednode.daemon.facts import Facts, OwnUpdate, Verdict
from fednode.daemon.fetching import Fetching, Finding
from fednode.daemon.jobs import Jobs
from fednode.daemon.memory import Memory
from fednode.daemon.model_work import ModelFailure, ModelWork
from fednode.daemon.outcomes import Outcomes
from fednode.daemon.progress import Progress
from fednode.daemon.rest import Rests
from fednode.daemon.sending import Sending
from fednode.daemon.waiting import describe
from fednode.progress_bar import ProgressBar
from fednode.status import Status
from fednode.training import TrainingError

log = logging.getLogger("fednode")
LONGEST_REST = 60.0  # seconds
SHOWN_PROBLEMS = 10
BEATEN = ("DuplicateRoot", "AlreadyProposed")  # the right proposal stands, whoever made it


class Left(FedError):
    """The node ended for a reason that a person must know."""


class Daemon:
    """One node of one federation. `clock`: monotonic seconds; `now`: seconds since 1970, for the status only."""

    def __init__(
        self,
        config: NodeConfig,
        spec: Spec,
        coordinator: Coordinator,
        sending: Sending,
        journal: Journal,
        store: Store,
        account: str,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._config = config
        self._coordinator = coordinator
        self._sending = sending
        self._journal = journal
        self._account = account
        self._now = now
        self._memory = Memory(journal)
        self._progress = Progress()
        self._background = Background()
        self._rests = Rests(clock, config.chain.poll_seconds, LONGEST_REST)
        self._jobs = Jobs(
            ModelWork(config, spec, store, self._progress),
            Fetching(coordinator, store, spec, config.globals),
            lambda action, finding: self._findings.put((action, finding)),
        )
        self._outcomes = Outcomes(config, spec, journal, self._memory)
        self._findings: queue.SimpleQueue[tuple[do.CheckInputs, Finding]] = queue.SimpleQueue()
        self._failure = ""
        self._problems: dict[str, None] = {}
        self._phases: dict[int, Phase] = {}
        self._activity = ("", 0.0)
        self._bar = ProgressBar()

    def run(self) -> str:
        """Until the federation is over or the account has left it; returns why.

        Raises Left if that is not a success, JournalError if nothing can be written down any more.
        """
        try:
            while True:
                action = self._cycle()
                if isinstance(action, do.Finish):
                    if action.failure:
                        raise Left(action.reason)
                    return action.reason
        finally:
            self._bar.close()
            self._background.interrupt_all()

    def _cycle(self) -> do.Action | None:
        try:
            chain = take_snapshot(self._coordinator, self._account)
        except (ChainUnreachable, RpcRefused) as error:
            self._problem(str(error))
            self._background.wait(self._config.chain.poll_seconds)
            return None
        self._tell_phases(chain)
        self._collect(chain)
        facts = self._facts(chain)
        action = decide(chain, facts)
        self._report(chain, action)
        match action:
            case do.Wait():
                self._background.wait(self._config.chain.poll_seconds)
            case do.Finish():
                log.info("%s", action.reason)
            case do.Interrupt():
                log.info("%s", describe(action))
                self._background.interrupt(action.work)
                self._rests.pause(action, LONGEST_REST)
            case _ if isinstance(action, do.ModelAction | do.FetchAction):
                self._background.start(action, self._jobs.of(action, chain, facts))
            case _:
                self._send(action, chain, facts)
        return action

    def _send(self, action: do.Action, chain: Snapshot, facts: Facts) -> None:
        try:
            self._perform(action, chain, facts)
        except JournalError:
            raise
        except ContractReverted as error:
            if isinstance(action, do.Propose) and error.name in BEATEN:
                log.info("%s: somebody else was quicker", describe(action))
                self._rests.pause(action, self._config.chain.poll_seconds)
            else:
                self._failed(action, error)
        except FedError as error:
            self._failed(action, error)
        else:
            self._rests.succeeded(action)
            # A chain that mines by the clock shows the transaction at once; one read behind must not send it twice.
            self._rests.pause(action, self._config.chain.poll_seconds)

    def _perform(self, action: do.Action, chain: Snapshot, facts: Facts) -> None:
        sending = self._sending
        match action:
            case do.Commit(number):
                update = sending.commit(number)
                log.info("round %d: committed, prior %s", number, cid(update.prior_root))
            case do.Reveal(number):
                state = chain.round(number)
                if state is not None:
                    self._confirmed(number)
                    update = sending.reveal(state)
                    log.info("round %d: revealed %s, shift %d", number, cid(update.root), update.shift)
            case do.Attest():
                self._name_absent(chain, facts, action)
                sending.attest(action)
                log.info("round %d: attested, bitmap %s", action.round, bin(action.bitmap))
            case do.Propose(number):
                state = chain.round(number)
                if state is not None:
                    sending.propose(chain, state, facts.recomputed[number])
                    log.info("round %d: proposed %s", number, cid(facts.recomputed[number]))
            case do.Challenge(number, root):
                self._outcomes.challenged(action, sending.challenge(self._memory.cases[number, root]))
            case do.Abandon(number):
                sending.abandon(number)
                log.warning("round %d: abandoned", number)
            case do.Settle():
                sending.settle()
            case do.Claim():
                sending.claim()
                self._memory.note_bounty(False)
                log.info("claimed %d token units", chain.my_owed)

    def _confirmed(self, number: int) -> None:
        """What is revealed cannot be hidden again: the end of Train must lie under enough blocks."""
        depth = self._config.chain.confirmations
        if depth:
            latest = self._coordinator.web3.eth.block_number
            phase = self._coordinator.round_view(number, block=max(0, latest - depth)).phase
            if phase < Phase.REVEAL:
                raise FedError(f"round {number}: Reveal lies under fewer than {depth} blocks; waiting")

    # -------------------------------------------------------------- collecting

    def _collect(self, chain: Snapshot) -> None:
        """Results of the background, into the journal."""
        outcomes = list(self._background.outcomes())
        while not self._findings.empty():
            action, finding = self._findings.get()
            self._outcomes.found(action, finding, chain)
        for outcome in outcomes:
            if outcome.error is None:
                self._outcomes.apply(outcome, chain)
                self._rests.succeeded(outcome.work)
                if isinstance(outcome.work, do.CheckInputs):  # those still absent are asked for again, not at once
                    self._rests.pause(outcome.work, self._config.chain.poll_seconds)
                elif isinstance(outcome.work, do.JudgeProposal):  # again only if its leaves could not be read
                    self._rests.pause(outcome.work, LONGEST_REST)
            else:
                self._background_failed(outcome, outcome.error)

    def _background_failed(self, outcome: Outcome, error: Exception) -> None:
        match error:
            case Interrupted():
                log.info("stopped: %s", describe(outcome.work))
            case ModelFailure():
                self._failure = str(error)
                self._problem(self._failure)
            case TrainingError():  # the same again would end the same: only a new round, data or program helps
                self._rests.give_up(outcome.work)
                self._problem(f"{describe(outcome.work)}: {error}")
            case FedError():
                self._failed(outcome.work, error)
            case _:
                log.error("%s: unexpected error", describe(outcome.work), exc_info=error)
                self._failed(outcome.work, error)

    def _failed(self, action: do.Action, error: Exception) -> None:
        if isinstance(action, do.BuildCase | do.Challenge) and isinstance(error, StaleCase):
            self._memory.note_doubtful(action.round)
        seconds = self._rests.rest(action)
        self._problem(f"{describe(action)}: {error}")
        log.debug("%s: again in %.0f s", describe(action), seconds)

    def _facts(self, chain: Snapshot) -> Facts:
        memory, config = self._memory, self._config
        return Facts(
            updates=self._own_updates(chain),
            checked=memory.checked,
            recomputed=memory.recomputed,
            fetched=memory.fetched,
            judged=memory.judged,
            provable=frozenset(memory.wrong_leaves),
            cases=frozenset(memory.cases),
            has_bounty=memory.has_bounty,
            trained=frozenset(memory.trained),
            evaluated=frozenset(memory.evaluated),
            solo_trained=frozenset(memory.solo_trained),
            solo_evaluated=frozenset(memory.solo_evaluated),
            has_test=config.data.test is not None,
            solo=config.solo.enabled,
            solo_test=config.solo.test is not None,
            auto_claim=config.node.claim,
            keep_rounds=config.node.keep_rounds,
            propose_after=config.node.propose_after,
            challenge_after=config.node.challenge_after,
            attest_margin=min(config.node.attest_margin, chain.config.attest_length // 4),
            train_seconds=memory.train_seconds,
            failure=self._failure,
            running=frozenset(self._background.running()),
            resting=self._rests.resting(),
        )

    def _own_updates(self, chain: Snapshot) -> dict[int, OwnUpdate]:
        own = {}
        for number in {state.number for state in chain.rounds} | {chain.last_opened + 1}:
            records = self._journal.updates(number)
            if records:
                hashes = [self._sending.commit_hash(entry) for entry in records]
                own[number] = OwnUpdate(records[0].prior_root, records[0].root, hashes[0], frozenset(hashes))
        return own

    # ------------------------------------------------------------------ saying

    def _name_absent(self, chain: Snapshot, facts: Facts, action: do.Attest) -> None:
        state, checked = chain.round(action.round), facts.checked.get(action.round)
        if state is None:
            return
        for index, update in enumerate(state.updates):
            if not action.bitmap >> index & 1:
                verdict = checked.verdicts.get(index, Verdict.ABSENT) if checked is not None else Verdict.ABSENT
                self._problem(
                    f"round {action.round}: attesting without update {index}, {verdict.value}: "
                    f"client {update.client}, root {cid(update.root)}"
                )

    def _tell_phases(self, chain: Snapshot) -> None:
        for state in chain.rounds:
            view = state.view
            if self._phases.get(state.number) is view.phase:
                continue
            self._phases[state.number] = view.phase
            match view.phase:
                case Phase.FINAL:
                    log.info("round %d is final: %s by %s", state.number, cid(view.global_root), view.aggregator)
                case Phase.VOID:
                    log.warning("round %d is void: %s", state.number, show(view.void_reason))
                case _:
                    log.info("round %d is in %s", state.number, view.phase.name.capitalize())

    def _problem(self, text: str) -> None:
        if text not in self._problems:
            log.warning("%s", text)
        self._problems.pop(text, None)
        self._problems[text] = None

    def _report(self, chain: Snapshot, action: do.Action) -> None:
        text = describe(action)
        if text != self._activity[0]:
            self._activity = (text, self._now())
        step, steps, loss = self._progress.read()
        last = chain.round(chain.last_opened)
        running = self._background.running()
        model_work = [describe(work) for work in running if isinstance(work, do.ModelAction)]
        busy = bool(model_work)
        self._bar.show("".join(model_work), step, steps if busy else 0, loss)
        aside = [describe(work) for work in running if isinstance(work, do.Evaluate | do.TrainSolo | do.EvaluateSolo)]
        status = Status(
            pid=os.getpid(),
            account=self._account,
            round=chain.last_opened,
            phase="none" if last is None else last.view.phase.name.lower(),
            activity=text,
            then=action.then if isinstance(action, do.Wait) else "",
            meanwhile=", ".join(aside),
            since=self._activity[1],
            until=action.until if isinstance(action, do.Wait) else 0,
            step=step if busy else 0,
            steps=steps if busy else 0,
            loss=loss,
            problems=tuple([*filter(None, self._memory.findings.values()), *self._problems][-SHOWN_PROBLEMS:]),
            chain_time=chain.time,
            updated=self._now(),
        )
        try:
            write_status(self._config.status, status)
        except OSError as error:  # a full disk must not stop what the chain has a deadline for
            log.warning("%s cannot be written: %s", self._config.status, error.strerror)

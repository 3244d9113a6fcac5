"""The loop: read the chain, decide, do the one next thing, say what it is."""

from __future__ import annotations

import logging
import queue
import time
from collections.abc import Callable

from fedaggregator.confirmed import is_confirmed
from fedaggregator.dispute import StaleCase
from fedprotocol.amounts import Amounts
from fedprotocol.chain.coordinator import Coordinator
from fedprotocol.chain.errors import ChainError, ContractReverted
from fedprotocol.chain.event_index import index_at
from fedprotocol.chain.snapshot import RoundState, Snapshot, take_snapshot
from fedprotocol.chain.types import Phase
from fedprotocol.errors import FedError
from fedprotocol.journal import Journal, JournalError
from fedprotocol.monitor.chain import introduce
from fedprotocol.monitor.health import Health
from fedprotocol.spec import Spec
from fedprotocol.store.base import Store
from fedprotocol.tree import cid

from fednode.config import NodeConfig
from fednode.daemon import actions as do
from fednode.daemon.background import Background, Interrupted, Outcome
from fednode.daemon.decide import decide
from fednode.daemon.facts import Facts, OwnUpdate, Setback
from fednode.daemon.fetching import Fetching, Finding
from fednode.daemon.jobs import Jobs
from fednode.daemon.memory import Memory
from fednode.daemon.model_work import ModelFailure, ModelWork
from fednode.daemon.outcomes import Outcomes
from fednode.daemon.progress import Progress
from fednode.daemon.reporting import Reporter
from fednode.daemon.rest import Rests
from fednode.daemon.sending import Sending
from fednode.daemon.words import describe
from fednode.training import TrainingError

log = logging.getLogger("fednode")
LONGEST_REST = 60.0  # seconds
BEATEN = ("DuplicateRoot", "AlreadyProposed")  # the right proposal stands, whoever made it


class TooEarly(FedError):
    """Nothing is wrong; the message says what must be first."""


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
        self._background = Background()
        progress = Progress()
        self._amounts = Amounts.of(coordinator.token)
        decimals, depth = self._amounts.decimals, config.chain.confirmations
        self._reporter = Reporter(config.status, account, decimals, depth, progress, health)
        self._rests = Rests(clock, config.chain.poll_seconds, LONGEST_REST)
        self._jobs = Jobs(
            ModelWork(config, spec, store, progress),
            Fetching(index_at(coordinator, config.events), store, spec, config.globals),
            lambda action, finding: self._findings.put((action, finding)),
        )
        self._outcomes = Outcomes(config, spec, journal, self._memory)
        self._findings: queue.SimpleQueue[tuple[do.CheckInputs, Finding]] = queue.SimpleQueue()
        self._failure = ""
        introduce("fednode", coordinator, account)

    def run(self) -> str:
        """Until the federation is over or the account has left it; returns why.

        Raises Left if that is not a success.
        """
        try:
            while True:
                try:
                    action = self._cycle()
                except JournalError as error:  # a full disk: nothing is sent that is not written down before
                    self._reporter.problem(str(error))
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
        except ChainError as error:
            self._reporter.unread(error)
            self._background.wait(self._config.chain.poll_seconds)
            return None
        self._reporter.phases(chain)
        self._collect(chain)
        facts = self._facts(chain)
        action = decide(chain, facts)
        findings = [found.text for found in self._memory.judged(facts.recomputed).values()]
        self._reporter.activity(chain, facts, action, findings)
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
        except ContractReverted as error:
            if isinstance(action, do.Propose) and error.name in BEATEN:
                log.info("%s: somebody else was quicker", describe(action))
                self._rests.pause(action, self._config.chain.poll_seconds)
            else:
                self._failed(action, error)
        except TooEarly as error:
            self._rests.rest(action, Setback(str(error), too_early=True))
        except (FedError, OSError) as error:  # of the system: a full disk
            self._failed(action, error)
        else:
            self._rests.succeeded(action)
            # A chain that mines by the clock shows the transaction at once; one read behind must not send it twice.
            self._rests.pause(action, self._config.chain.poll_seconds)

    def _perform(self, action: do.Action, chain: Snapshot, facts: Facts) -> None:
        sending = self._sending
        match action:
            case do.Commit(number):
                update = sending.commit(number, chain.round(number))
                log.info("round %d: committed, prior %s", number, cid(update.prior_root))
            case do.Reveal(number):
                state = chain.round(number)
                if state is not None:
                    self._confirmed(number)
                    update = sending.reveal(state)
                    log.info("round %d: revealed %s, shift %d", number, cid(update.root), update.shift)
            case do.Attest(number):
                state = chain.round(number)
                if state is not None:
                    self._reporter.absent(chain, facts, action)
                    sending.attest(state, action)
                    log.info("round %d: attested, bitmap %s", number, bin(action.bitmap))
            case do.Propose(number):
                state = chain.round(number)
                if state is not None:
                    self._inputs_confirmed(state)
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

    def _inputs_confirmed(self, state: RoundState) -> None:
        depth = self._config.chain.confirmations
        if not is_confirmed(self._coordinator, state, depth):
            raise TooEarly(f"{depth} blocks on top of the inputs of round {state.number}")

    def _confirmed(self, number: int) -> None:
        """What is revealed cannot be hidden again: the end of Train must lie under enough blocks."""
        depth = self._config.chain.confirmations
        if depth:
            latest = self._coordinator.web3.eth.block_number
            phase = self._coordinator.round_view(number, block=max(0, latest - depth)).phase
            if phase < Phase.REVEAL:
                raise TooEarly(f"{depth} blocks on top of the end of round {number}'s Train")

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
                if isinstance(outcome.work, do.CheckInputs):  # what is absent or malformed is asked for again
                    self._rests.postpone(outcome.work, chain.config.attest_length / 16)
                    continue
                self._rests.succeeded(outcome.work)
                if isinstance(outcome.work, do.JudgeProposal):  # again only if its leaves could not be read
                    self._rests.pause(outcome.work, LONGEST_REST)
            else:
                self._background_failed(outcome, outcome.error)

    def _background_failed(self, outcome: Outcome, error: Exception) -> None:
        match error:
            case Interrupted():
                log.info("stopped: %s", describe(outcome.work))
            case ModelFailure():
                self._failure = str(error)
                self._reporter.model_failed(error)
            case TrainingError():  # the same again would end the same: only a new round, data or program helps
                self._rests.give_up(outcome.work, Setback(str(error), for_good=True))
                self._reporter.failed(outcome.work, error)
            case FedError() | OSError():  # of the system: a full disk
                self._failed(outcome.work, error)
            case _:
                log.error("%s: unexpected error", describe(outcome.work), exc_info=error)
                self._failed(outcome.work, error)

    def _failed(self, action: do.Action, error: Exception) -> None:
        if isinstance(action, do.BuildCase | do.Challenge) and isinstance(error, StaleCase):
            self._memory.note_doubtful(action.round)
        seconds = self._rests.rest(action, Setback(str(error)))
        self._reporter.failed(action, error)
        log.debug("%s: again in %.0f s", describe(action), seconds)

    def _facts(self, chain: Snapshot) -> Facts:
        memory, config = self._memory, self._config
        recomputed = memory.recomputed(chain)
        judged = memory.judged(recomputed)
        return Facts(
            updates=self._own_updates(chain),
            checked=memory.checked,
            recomputed=recomputed,
            merged={number: frozenset(merges.values()) for number, merges in memory.merged.items()},
            fetched=memory.fetched,
            judged={key: not found.text for key, found in judged.items()},
            provable=frozenset(key for key, found in judged.items() if found.leaf is not None),
            cases=memory.open_cases(chain),
            has_bounty=memory.has_bounty,
            trained=frozenset(memory.trained),
            evaluated=memory.evaluated,
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
            failing=self._rests.failing(),
            amounts=self._amounts,
        )

    def _own_updates(self, chain: Snapshot) -> dict[int, OwnUpdate]:
        own = {}
        for number in {state.number for state in chain.rounds} | {chain.last_opened + 1}:
            records = self._journal.updates(number)
            if records:
                hashes = [self._sending.commit_hash(entry) for entry in records]
                own[number] = OwnUpdate(records[0].prior_root, records[0].root, hashes[0], frozenset(hashes))
        return own

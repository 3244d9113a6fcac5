"""The aggregator's loop: read the chain, decide, do the one next thing."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Self

from fedprotocol.amounts import Amounts
from fedprotocol.car import CarFile, Leaves
from fedprotocol.chain.coordinator import Coordinator
from fedprotocol.chain.errors import ContractReverted
from fedprotocol.chain.event_index import index_at
from fedprotocol.chain.fees import FeePolicy
from fedprotocol.chain.sender import Sender
from fedprotocol.chain.signer import Signer
from fedprotocol.chain.snapshot import RoundState, Snapshot, take_snapshot
from fedprotocol.chain.types import Proposal
from fedprotocol.errors import FedError
from fedprotocol.journal import Journal
from fedprotocol.monitor import metrics
from fedprotocol.monitor.chain import introduce
from fedprotocol.monitor.health import Health
from fedprotocol.monitor.start import monitored
from fedprotocol.store.base import Malformed, NotFound, Store
from fedprotocol.store.open import open_store
from fedprotocol.tree import PAGE_LEAVES, TreeShape, cid
from web3.logs import DISCARD

from fedaggregator.config import AggregatorConfig
from fedaggregator.confirmed import is_confirmed
from fedaggregator.convict import Move, advance, in_words, simulate
from fedaggregator.decide import (
    Action,
    Approve,
    Challenge,
    Claim,
    Done,
    Merge,
    ProposePage,
    Release,
    Report,
    Wait,
    decide,
)
from fedaggregator.dispute import Case
from fedaggregator.evidence import gather
from fedaggregator.inputs import accepted, global_shape, recompute, rule_of
from fedaggregator.leaf_file import LeafFile
from fedaggregator.memory import Memory
from fedaggregator.proposals import ProposalUnreadable, proposed_digests
from fedaggregator.status import Reporter
from fedaggregator.verify import compare

LONGEST_PAUSE = 60.0  # seconds between tries while something fails
STEP_SECONDS = 3600.0  # of patience with a step: it may fetch and merge hundreds of updates

log = logging.getLogger("fedaggregator")


class Aggregator:
    """One account's aggregator of one federation. Everything it must remember is in its journal."""

    def __init__(
        self,
        config: AggregatorConfig,
        coordinator: Coordinator,
        store: Store,
        journal: Journal,
        sender: Sender,
        proposes: bool = True,
    ) -> None:
        self.config = config
        self.coordinator = coordinator
        self.events = index_at(coordinator, config.events)
        self.store = store
        self.health = Health(config.chain.poll_seconds)
        self.sender = sender
        self.memory = Memory(journal, config.aggregator.keep_rounds, proposes)
        self.reporter = Reporter(config.status, self.health, Amounts.of(coordinator.token).decimals)
        self.cases: dict[tuple[int, bytes], Case] = {}  # by round and proposed root
        self.wrong: set[bytes] = set()  # proposed roots that were named

    @classmethod
    @contextmanager
    def open(cls, config: AggregatorConfig, signer: Signer, proposes: bool = True) -> Iterator[Self]:
        """An aggregator on the chain and the store that `config` names; a watchtower if it is not to propose.

        Raises:
            FedError: the journal is in use or another's, the chain or the store does not answer, the rule is unknown.
        """
        chain = config.chain
        config.cache.mkdir(parents=True, exist_ok=True)
        with Journal(config.journal) as journal:
            coordinator = Coordinator.connect(chain.rpc, chain.coordinator, chain.chain_id)
            journal.bind(chain.chain_id, coordinator.address, signer.address)
            store = open_store(config.store.url, config.cache, config.store.peers)
            log.info("store: %s", store.check())
            log.info("rule: %s, account: %s", rule_of(coordinator).name, signer.address)
            sender = Sender(coordinator.web3, signer, journal, FeePolicy.of(chain))
            introduce("fedaggregator", coordinator, signer.address)
            yield cls(config, coordinator, store, journal, sender, proposes)

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set or the federation is over. Errors are said, and what failed is tried again."""
        with monitored(self.config.monitor.port, self.health, self.store):
            self._work(stop)

    def _work(self, stop: threading.Event) -> None:
        failures, resumed = 0, False
        while not stop.is_set():
            try:
                if not resumed:
                    self.sender.resume()
                    resumed = True
                action = self.step()
                failures = 0
                self.reporter.problem(action.reason if isinstance(action, Wait) and action.problem else "")
            except (FedError, OSError) as error:
                failures += 1
                self.reporter.failed(error)
            else:
                if isinstance(action, Done):
                    return
                if not isinstance(action, Wait):
                    continue
            stop.wait(min(LONGEST_PAUSE, self.config.chain.poll_seconds * 2 ** min(failures, 10)))

    def step(self) -> Action:
        """Read, decide, act once; returns what was done.

        Raises:
            FedError: it could not be done; the next step tries again.
        """
        snapshot = take_snapshot(self.coordinator, self.sender.address)
        depth = self.config.chain.confirmations
        confirmed = frozenset(s.number for s in snapshot.rounds if is_confirmed(self.coordinator, s, depth))
        action = decide(snapshot, self.memory.facts(snapshot, confirmed))
        until, at_most = (action.until or 0, 0.0) if isinstance(action, Wait) else (0, STEP_SECONDS)
        self.reporter.activity(snapshot, _words(action), until, at_most)
        try:
            self._act(action, snapshot)
        except FedError:
            metrics.RETRIES.labels(type(action).__name__.lower()).inc()
            if isinstance(action, Challenge):
                self.memory.failed(action.round, action.proposal.root)
            elif isinstance(action, ProposePage):
                self.memory.failed(action.round, self.memory.own_root(_state(snapshot, action.round)) or b"")
            elif isinstance(action, Claim):
                self.memory.claim_failed()
            raise
        return action

    def _act(self, action: Action, snapshot: Snapshot) -> None:
        match action:
            case Merge(number):
                self.merge(snapshot, _state(snapshot, number))
            case Report(number, proposal):
                self.report(_state(snapshot, number), proposal)
            case Challenge(number, proposal):
                self.challenge(_state(snapshot, number), proposal)
            case Approve(amount):
                self.coordinator.token.ensure_allowance(self.sender, self.coordinator.address, amount)
            case ProposePage(number, page):
                self.propose(_state(snapshot, number), page)
            case Claim(settled):
                self.claim(settled)
            case Release(number):
                self.release(number)

    @cached_property
    def _global_shape(self) -> TreeShape:
        return global_shape(self.coordinator.config(), rule_of(self.coordinator))

    def compute(self, state: RoundState, prior: Leaves) -> LeafFile:
        """The round's next global, in a file of the cache."""
        out = self.config.cache / f"global-{state.number}.leaves"
        return recompute(self.coordinator, self.store, state, prior, out, self.config.aggregator.window_leaves)

    def merge(self, snapshot: Snapshot, state: RoundState) -> None:
        """Compute the round's next global and publish it in the store."""
        started = time.monotonic()
        prior_root, genesis = state.view.prior_root, snapshot.config.genesis_root
        roots = {prior_root, *(update.root for update in accepted(state))} - {genesis}
        self.memory.pin(state, roots)
        with (
            self.store.get(prior_root, self._global_shape) as prior,
            self.compute(state, prior) as merged,
        ):
            self.memory.pin(state, {merged.root})
            self.store.put(merged)
            self.memory.merged(state, merged.root)
            metrics.RECOMPUTATIONS.inc()
            merged.path.unlink()
        seconds = time.monotonic() - started
        log.info("round %d: %d updates make %s (%.1f s)", state.number, len(accepted(state)), cid(merged.root), seconds)

    def report(self, state: RoundState, proposal: Proposal) -> None:
        """Name the first wrong leaf of a live proposal that is not our global."""
        with self._own(state) as own:
            try:
                mismatch = compare(own, proposed_digests(self.events, state.number, proposal.proposer))
            except ProposalUnreadable as error:
                finding = f"it cannot be convicted from here, no leaf of it can be opened: {error}"
                self.memory.unreadable(state.number, proposal.root)
            else:
                if mismatch is None:
                    raise FedError(f"round {state.number}: the chain's node gives another proposal's calldata")
                finding = (
                    f"first wrong leaf: {mismatch.leaf}, its digest must be {mismatch.expected.hex()} "
                    f"and is claimed to be {mismatch.claimed.hex()}"
                )
                self.memory.reported(state.number, proposal.root, mismatch.leaf)
            if proposal.root not in self.wrong:
                self.wrong.add(proposal.root)
                metrics.MISMATCHES.inc()
            log.error(
                "WRONG PROPOSAL in round %d: %s by %s is not %s; %s",
                state.number,
                cid(proposal.root),
                proposal.proposer,
                cid(own.root),
                finding,
            )

    def challenge(self, state: RoundState, proposal: Proposal) -> None:
        """Build and simulate the case against a wrong proposal, or send its next call."""
        key = state.number, proposal.root
        self.cases = {known: case for known, case in self.cases.items() if known[0] == state.number}
        try:
            case = self.cases.get(key)
            if case is None:
                with self._own(state) as own:
                    case = gather(self.events, self.store, state, own, proposal)
                if case is None:
                    raise FedError(f"round {state.number}: {cid(proposal.root)} turned out to be right")
                costs = simulate(self.coordinator, self.sender.address, case)
                log.info("round %d: case against %s, %s", state.number, cid(proposal.root), in_words(costs))
                self.cases[key] = case
                return
            move, _ = advance(self.coordinator, self.sender, case)
        except FedError:
            self.cases.pop(key, None)  # built anew next time: the inputs may have changed
            raise
        if move is not Move.CARRIED:
            del self.cases[key]
        if move is Move.CONVICTED:
            log.info("round %d: CONVICTED %s of %s", state.number, cid(proposal.root), proposal.proposer)
        elif move is Move.GONE:
            log.info("round %d: %s is not live any more", state.number, cid(proposal.root))

    def propose(self, state: RoundState, page: int) -> None:
        """Hand in one page of our global; the last one takes the bond."""
        with self._own(state) as own:
            start, stop = page * PAGE_LEAVES, min((page + 1) * PAGE_LEAVES, len(own))
            digests = [own.digest(leaf) for leaf in range(start, stop)]
            is_last = stop == len(own)
        if page == 0:
            self.memory.paging(state.number, own.root)
        if is_last:
            self.memory.proposing(state.number)
        try:
            call = self.coordinator.calls.propose(state.number, page, digests)
            self.sender.send(call, f"propose round {state.number} page {page}", state.view.phase_end or None)
        except ContractReverted as error:
            if error.name not in ("DuplicateRoot", "WrongPhase"):
                raise
            log.info("round %d: another aggregator was first (%s)", state.number, error.name)
        else:
            if is_last:
                log.info("round %d: proposed %s, bond %d token units", state.number, cid(own.root), state.bond)

    def claim(self, settled: frozenset[int]) -> int:
        """Take what is owed; the rounds in `settled` are then collected. Returns the token units taken."""
        amount = 0
        try:
            receipt = self.sender.send(self.coordinator.calls.claim(), "claim")
        except ContractReverted as error:
            if error.name != "NothingOwed":
                raise
        else:
            events = self.coordinator.contract.events.Claimed().process_receipt(receipt, errors=DISCARD)
            amount = sum(event["args"]["amount"] for event in events)
            log.info("claimed %d token units", amount)
        self.memory.collected(settled)
        return amount

    def release(self, round_number: int) -> None:
        """Unpin what only this round needed."""
        for root in self.memory.releasable(round_number):
            self.store.unpin(root)
        self.memory.released(round_number)
        log.info("round %d: its inputs and global are no longer pinned here", round_number)

    def _own(self, state: RoundState) -> CarFile:
        """Our global of the round, from the store; if it is lost there, the next step computes it again."""
        root = self.memory.own_root(state)
        if root is None:
            raise FedError(f"round {state.number}: the inputs changed (a re-org); computing again")
        try:
            return self.store.get(root, self._global_shape)
        except (NotFound, Malformed):
            self.memory.forget_merged(state.number)
            raise


def _state(snapshot: Snapshot, number: int) -> RoundState:
    return next(state for state in snapshot.rounds if state.number == number)


def _words(action: Action) -> str:
    match action:
        case Merge(number):
            return f"round {number}: fetching and merging the accepted updates"
        case Report(number, proposal):
            return f"round {number}: a proposal by {proposal.proposer} is not our global, finding the wrong leaf"
        case Challenge(number, proposal):
            return f"round {number}: challenging the proposal of {proposal.proposer}"
        case Approve(amount):
            return f"approving a bond of {amount} token units"
        case ProposePage(number, page):
            return f"round {number}: proposing, page {page}"
        case Claim(_):
            return "claiming what is owed"
        case Release(number):
            return f"round {number}: releasing its content"
        case Wait(reason) | Done(reason):
            return reason

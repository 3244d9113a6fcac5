"""What needs no key: read the chain, decide, merge every round, hold every proposal to it, let go of old rounds."""

from __future__ import annotations

import logging
import threading
import time
from functools import cached_property

from fedprotocol.amounts import Amounts
from fedprotocol.car import CarFile, Leaves
from fedprotocol.chain.coordinator import Coordinator
from fedprotocol.chain.event_index import index_at
from fedprotocol.chain.snapshot import RoundState, Snapshot, take_snapshot
from fedprotocol.chain.types import Proposal
from fedprotocol.errors import FedError
from fedprotocol.monitor import metrics
from fedprotocol.monitor.health import Health
from fedprotocol.monitor.start import monitored
from fedprotocol.store.base import Malformed, NotFound, Store
from fedprotocol.tree import TreeShape, cid

from fedaggregator.config import AggregatorConfig
from fedaggregator.confirmed import is_confirmed
from fedaggregator.decide import (
    UNMERGED,
    Action,
    Approve,
    Challenge,
    Claim,
    Done,
    Facts,
    Merge,
    ProposePage,
    Release,
    Report,
    Wait,
    decide,
)
from fedaggregator.inputs import accepted, global_shape, recompute, rule_of
from fedaggregator.leaf_file import LeafFile
from fedaggregator.memory import Memory
from fedaggregator.proposals import ProposalUnreadable, proposed_digests
from fedaggregator.status import Reporter
from fedaggregator.verify import compare

LONGEST_PAUSE = 60.0  # seconds between tries while something fails
STEP_SECONDS = 3600.0  # of patience with a step: it may fetch and merge hundreds of updates

log = logging.getLogger("fedaggregator")


class Watcher:
    """The loop of one federation, as `account` sees it. Everything it must remember is in its journal."""

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
        self.reporter = Reporter(config.status, self.health, Amounts.of(coordinator.token).decimals)
        self.wrong: set[bytes] = set()  # proposed roots that were named

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set or the federation is over. Errors are said, and what failed is tried again."""
        with monitored(self.config.monitor.port, self.health, self.store):
            self._work(stop)

    def _work(self, stop: threading.Event) -> None:
        failures, resumed = 0, False
        while not stop.is_set():
            try:
                if not resumed:
                    self.resume()
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

    def resume(self) -> None:
        """Before the first step: follow up what an earlier run left."""

    def step(self) -> Action:
        """Read, decide, act once; returns what was done.

        Raises:
            FedError: it could not be done; the next step tries again.
        """
        snapshot = take_snapshot(self.coordinator, self.account)
        depth = self.config.chain.confirmations
        confirmed = frozenset(s.number for s in snapshot.rounds if is_confirmed(self.coordinator, s, depth))
        facts = self.memory.facts(snapshot, confirmed)
        action = decide(snapshot, facts)
        until, at_most = (action.until or 0, 0.0) if isinstance(action, Wait) else (0, STEP_SECONDS)
        self.reporter.activity(snapshot, _words(action), until, at_most)
        self.look(snapshot, facts)
        try:
            self.act(action, snapshot)
        except FedError:
            metrics.RETRIES.labels(type(action).__name__.lower()).inc()
            self.failed(action, snapshot)
            raise
        return action

    def look(self, snapshot: Snapshot, facts: Facts) -> None:
        """What is known before each action."""

    def act(self, action: Action, snapshot: Snapshot) -> None:
        match action:
            case Merge(number):
                self.merge(snapshot, state_of(snapshot, number))
            case Report(number, proposal):
                self.report(state_of(snapshot, number), proposal)
            case Release(number):
                self.release(number)

    def failed(self, action: Action, snapshot: Snapshot) -> None:  # noqa: ARG002 (for those who do more)
        """`action` could not be done."""
        if isinstance(action, Merge):
            self.memory.failed(action.round, UNMERGED)

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
                mismatch = compare(own, proposed_digests(self.events, state.number, proposal.proposer, proposal.root))
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


def state_of(snapshot: Snapshot, number: int) -> RoundState:
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

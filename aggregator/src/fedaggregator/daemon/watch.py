"""The actions that need no key: merge every round, judge every proposal, and unpin old rounds."""

from __future__ import annotations

import hashlib
import threading
import time
from functools import cached_property

from fedprotocol import metrics
from fedprotocol.car import CarFile, Leaves
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.snapshot import RoundState, Snapshot
from fedprotocol.errors import FedError
from fedprotocol.store.base import Malformed, NotFound, Store
from fedprotocol.store.deadline import Deadline
from fedprotocol.tree import TreeShape, cid
from fedprotocol.types import Proposal

from fedaggregator.compute.garbage import Garbage
from fedaggregator.compute.inputs import accepted, global_shape, recompute, rule_of
from fedaggregator.compute.leaf_file import LeafFile
from fedaggregator.config import AggregatorConfig
from fedaggregator.daemon.actions import Merge, Release, Report, Work
from fedaggregator.daemon.journal_facts import Memory
from fedaggregator.daemon.loop import Loop, log
from fedaggregator.disputes.evidence import gather_impeachment, judge_proposal
from fedaggregator.disputes.impeachment import Impeachment
from fedaggregator.disputes.judge import Wrong, alarm


class Watcher(Loop):
    """Knows every round's right global by its own computation, and names what is not that."""

    def __init__(
        self, config: AggregatorConfig, coordinator: Coordinator, store: Store, account: str, memory: Memory
    ) -> None:
        super().__init__(config, coordinator, store, account, memory)
        self._named_wrong: set[bytes] = set()  # proposed roots
        self.impeachments: dict[int, Impeachment] = {}  # by round; after a restart a merge finds them again

    def work(self, action: Work, snapshot: Snapshot, stop: threading.Event) -> None:
        """Perform an action in its background thread, until `stop` is set. Raises FedError."""
        match action:
            case Merge(number):
                state, within = state_of(snapshot, number), Deadline(stop=stop)
                try:
                    self.merge(snapshot, state, within)
                except Garbage as garbage:
                    self.accuse(state, garbage, within)
            case Report(number, proposal):
                self.report(state_of(snapshot, number), proposal, Deadline(stop=stop))
            case Release(number):
                self.release(number, Deadline(stop=stop))

    @cached_property
    def _global_shape(self) -> TreeShape:
        return global_shape(self.coordinator.config(), rule_of(self.coordinator))

    def compute(self, state: RoundState, prior: Leaves, within: Deadline) -> LeafFile:
        """The round's next global, in a file of the cache."""
        inputs = hashlib.sha256(state.view.inputs.encode()).hexdigest()[:16]
        out = self.config.cache / f"global-{state.number}-{inputs}.leaves"
        window = self.config.aggregator.window_leaves
        return recompute(self.coordinator, self.store, state, prior, out, window, deadline=within)

    def impeachable(self, snapshot: Snapshot) -> frozenset[int]:
        inputs = {s.number: (s.view.inputs_hash, s.view.accepted_mask) for s in snapshot.rounds}
        for number, made in list(self.impeachments.items()):
            if inputs.get(number) != (made.inputs_hash, made.accepted_mask):
                del self.impeachments[number]
        return frozenset(self.impeachments)

    def merge(self, snapshot: Snapshot, state: RoundState, within: Deadline) -> None:
        """Compute the round's next global and publish it in the store. Also raises Garbage."""
        started = time.monotonic()
        prior_root, genesis = state.view.prior_root, snapshot.config.genesis_root
        roots = {prior_root, *(update.root for update in accepted(state))} - {genesis}
        self.memory.pin(state, roots)
        with (
            self.store.get(prior_root, self._global_shape, within) as prior,
            self.compute(state, prior, within) as merged,
        ):
            within.check()
            self.memory.pin(state, {merged.root})
            self.store.put(merged)
            within.check()
            self.memory.merged(state, merged.root)
            metrics.RECOMPUTATIONS.inc()
            merged.path.unlink()
        seconds = time.monotonic() - started
        log.info("round %d: %d updates make %s (%.1f s)", state.number, len(accepted(state)), cid(merged.root), seconds)

    def accuse(self, state: RoundState, garbage: Garbage, within: Deadline) -> None:
        """Prepare what makes the round void."""
        made = gather_impeachment(self.coordinator, self.store, state, garbage.leaf, within)
        within.check()
        self.impeachments[state.number] = made
        log.error("round %d: GARBAGE: %s; to make it void takes %s", state.number, garbage, made.size.describe())

    def report(self, state: RoundState, proposal: Proposal, within: Deadline) -> None:
        """Name the first wrong leaf of a live proposal that is not our global."""
        own_root, root, proposer = self._own_root(state), proposal.root, proposal.proposer
        verdict = judge_proposal(self.events, state, proposer, root, own_root, lambda: self._own(state, within))
        if not isinstance(verdict, Wrong):
            return
        if verdict.first is not None:
            self.memory.reported(state.number, root, verdict.first.leaf)
        if root not in self._named_wrong:
            self._named_wrong.add(root)
            metrics.MISMATCHES.inc()
        log.error("%s", alarm(state.number, proposer, root, verdict))

    def release(self, round_number: int, within: Deadline) -> None:
        """Unpin what only this round needed."""
        for root in self.memory.releasable(round_number):
            within.check()
            # asked again, because a merge may have begun that needs it
            if root in self.memory.releasable(round_number):
                self.store.unpin(root)
        self.memory.released(round_number)
        log.info("round %d: its inputs and global are no longer pinned here", round_number)

    def _own(self, state: RoundState, within: Deadline) -> CarFile:
        """Our global of the round, from the store. If the store has lost it, the next turn computes it again."""
        try:
            return self.store.get(self._own_root(state), self._global_shape, within)
        except (NotFound, Malformed):
            self.memory.forget_merged(state.number)
            raise

    def _own_root(self, state: RoundState) -> bytes:
        root = self.memory.own_root(state)
        if root is None:
            raise FedError(f"round {state.number}: the inputs changed (a re-org); computing again")
        return root


def state_of(snapshot: Snapshot, number: int) -> RoundState:
    return next(state for state in snapshot.rounds if state.number == number)

"""Recomputing aggregates: the node computes every global from its own verified copies of the updates, and never relies
on what is proposed."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fedaggregator.compute.garbage import Garbage
from fedaggregator.compute.inputs import recompute
from fedaggregator.disputes.evidence import gather_impeachment
from fedaggregator.disputes.impeachment import Impeachment
from fedaggregator.disputes.judge import Claim, Wrong, judge
from fedprotocol import metrics
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.snapshot import RoundState, Snapshot
from fedprotocol.program.background import Body
from fedprotocol.spec import Spec
from fedprotocol.store.base import Store
from fedprotocol.store.deadline import Deadline
from fedprotocol.tree import cid
from fedprotocol.types import ZERO, Phase

from fednode.daemon.action_context import Tools
from fednode.daemon.actions.action import Lane, Work
from fednode.daemon.actions.content.fetch_global import FetchGlobal
from fednode.daemon.facts import Facts
from fednode.daemon.snapshot_questions import round_of, unsettled

log = logging.getLogger("fednode")


@dataclass(frozen=True)
class Recompute(Work):
    """Merge the accepted updates into the next global adapter, from the node's own verified copies. `inputs`: the hash
    of the round's inputs."""

    round: int
    inputs: str
    lane = Lane.INPUTS
    leads_to = "check the proposals and train on the result"

    @staticmethod
    def due(chain: Snapshot, facts: Facts) -> Iterator[Work]:
        """It is due for every aggregate, and for the globals that it needs. Rounds that are over come last, because
        nothing depends on them."""
        for state in unsettled(chain):
            if (
                state.view.phase in (Phase.AGGREGATE, Phase.CHALLENGE)
                and state.number not in facts.remembered.recomputed
                and state.number not in facts.remembered.impeachable
            ):
                if state.view.prior_root in facts.remembered.held():
                    yield Recompute(state.number, state.view.inputs)
                else:
                    yield FetchGlobal(state.number - 1, state.view.prior_root)
        final = [state for state in chain.rounds if state.view.phase is Phase.FINAL]
        for state in final:
            if state.view.global_root not in facts.remembered.held():
                yield FetchGlobal(state.number, state.view.global_root)
        for state in final:
            found = state.number in facts.remembered.recomputed or state.number in facts.remembered.garbage
            if not found and state.view.prior_root in facts.remembered.held():
                yield Recompute(state.number, state.view.inputs)

    def describe(self) -> str:
        return f"recomputing the aggregate of round {self.round}"

    def still_wanted(self, chain: Snapshot, facts: Facts) -> bool:
        state = chain.round(self.round)
        return state is None or state.view.inputs == self.inputs

    def job(self, tools: Tools, chain: Snapshot, facts: Facts) -> Body:
        state = round_of(chain, self.round)
        folder = tools.config.globals
        return lambda stop: _recomputed(tools, state, folder, Deadline(stop=stop))

    def ended(self, tools: Tools, result: bytes | Impeachment, chain: Snapshot) -> None:
        if isinstance(result, Impeachment):
            tools.memory.note_garbage(self.round, self.inputs, result)
            found, takes = Garbage(result.leaf), result.size.describe()
            log.error("round %d: GARBAGE: %s; to make it void takes %s", self.round, found, takes)
            return
        tools.memory.note_recomputed(self.round, self.inputs, result)
        metrics.RECOMPUTATIONS.inc()
        log.info("round %d: computed the aggregate from verified copies of all updates: %s", self.round, cid(result))
        state = chain.round(self.round)
        if state is None or state.view.inputs != self.inputs:
            return
        final = Claim(state.view.global_root)
        if final.root != ZERO and isinstance(judge(final, result), Wrong):
            metrics.MISMATCHES.inc()
            log.error(
                "round %d: THE FINAL GLOBAL IS WRONG: the chain has %s, the accepted updates give %s",
                self.round,
                cid(state.view.global_root),
                cid(result),
            )


def _recomputed(tools: Tools, state: RoundState, folder: Path, deadline: Deadline) -> bytes | Impeachment:
    """The root of the round's global, or what makes the round void because nothing follows from its updates."""
    try:
        return merged_into(tools.store, tools.coordinator, tools.spec, state, folder, deadline)
    except Garbage as garbage:
        return gather_impeachment(tools.coordinator, tools.store, state, garbage.leaf, deadline)


def merged_into(
    store: Store, coordinator: Coordinator, spec: Spec, state: RoundState, folder: Path, deadline: Deadline
) -> bytes:
    """Merge the round's accepted updates, using a file in `folder`, and publish the result in the own store. Returns
    its root. Raises Garbage, InputsMissing, StoreError, and the errors of `fedaggregator.compute.inputs.recompute`.
    """
    inputs = hashlib.sha256(state.view.inputs.encode()).hexdigest()[:8]  # another merge may still be running
    out = folder / f"round_{state.number}-{inputs}.leaves"
    out.parent.mkdir(parents=True, exist_ok=True)
    try:
        with (
            store.get(state.view.prior_root, spec.layout.global_shape, deadline) as prior,
            recompute(coordinator, store, state, prior, out, deadline=deadline) as merged,
        ):
            return store.put(merged)
    finally:
        out.unlink(missing_ok=True)

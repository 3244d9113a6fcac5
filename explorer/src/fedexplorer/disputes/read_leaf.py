"""Reads one leaf of all accepted updates of a round: from the calls of a case, and from the store what they do not
show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fedaggregator.compute.inputs import delta_shape
from fedprotocol import tree
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.disputes import Accusation, Disputes, Opening, Proof, Sums, call_name
from fedprotocol.store.deadline import Deadline
from fedprotocol.tree import TreeShape
from fedprotocol.types import FederationConfig

from fedexplorer.content.inputs import RoundInputs
from fedexplorer.content.jobs import Report
from fedexplorer.content.trees import Trees
from fedexplorer.disputes.calldata import steps
from fedexplorer.disputes.calls import Call, carried, read_call
from fedexplorer.disputes.gathered import Gathered, Part, ReplayError, Share, Source

Known = dict[int, tuple[Opening, Source]]
"""The leaf of accepted updates, by their number among these."""


@dataclass(frozen=True)
class Case:
    """Something that was proved about a round.

    Args:
        tx: the transaction that ended it.
        block: that transaction's block.
        opened: the block in which the round was opened; nothing of the case is older.
    """

    inputs: RoundInputs
    tx: bytes
    block: int
    opened: int


@dataclass(frozen=True)
class LeafReader:
    """Reads leaves of one federation."""

    coordinator: Coordinator
    config: FederationConfig
    trees: Trees

    def told(self, call: Call, last: Proof | Accusation, what: Case, report: Report) -> Gathered:
        """The leaf that the last call of a case names, from that call and those that carried sums for it. Raises
        ReplayError, CallUnreadable, ChainError, StoreError."""
        leaf, start = last.leaf_index, last.start.count
        known: Known = {start + i: (opening, Source.CALLDATA) for i, opening in enumerate(last.updates)}
        parts = [Part(call, call_name(last), start, len(what.inputs.updates))]
        if start:
            report("reading the calls that carried sums")
            parts = [*self._carried(leaf, start, what, known), *parts]
            self._check_kept(last.start, leaf, what)
        return Gathered(
            leaf, True, self._shares(known, leaf, what, report), last.start if start else None, tuple(parts)
        )

    def served(self, leaf: int, last: Part, what: Case, report: Report) -> Gathered:
        """A leaf that no transaction shows, from the store. Raises StoreError."""
        return Gathered(leaf, False, self._shares({}, leaf, what, report), None, (last,))

    def openings(
        self, root: bytes, shape: TreeShape, indices: Sequence[int], deadline: Deadline
    ) -> tuple[Opening, ...]:
        """Leaves of a tree, from the store, with their paths. Raises StoreError."""
        with self.trees.get(root, shape, deadline) as leaves:
            digests = [leaves.digest(index) for index in range(len(leaves))]
            return tuple(Opening(leaves[index], tuple(tree.path(digests, index))) for index in indices)

    def _carried(self, leaf: int, start: int, what: Case, known: Known) -> list[Part]:
        """The calls that kept sums up to `start` updates, and the leaves that they brought."""
        parts: list[Part] = []
        seen: set[bytes] = set()
        for log in carried(self.coordinator, what.inputs.round, leaf, what.opened, what.block):
            if log.tx in seen or log.count > start:
                continue
            seen.add(log.tx)
            call = read_call(self.coordinator, log.tx)
            given = [
                step
                for step in steps(call.data, self.coordinator.address)
                if (step.round, step.leaf_index) == (what.inputs.round, leaf)
            ]
            if not given:
                parts.append(Part(call, "carry", None, log.count))
            for step in given:
                stop = step.start.count + len(step.updates)
                parts.append(Part(call, "carry", step.start.count, stop))
                for i, opening in enumerate(step.updates):
                    known.setdefault(step.start.count + i, (opening, Source.CALLDATA))
        return parts

    def _check_kept(self, start: Sums, leaf: int, what: Case) -> None:
        """Compare the sums that the last call started from with the digest that the contract keeps of them."""
        kept = Disputes(self.coordinator).carried(what.inputs.round, leaf)
        if start.count >= len(kept) or kept[start.count] != start.digest:
            raise ReplayError(f"the contract keeps other sums over {start.count} updates than the last call names")

    def _shares(self, known: Known, leaf: int, what: Case, report: Report) -> tuple[Share, ...]:
        """The leaf of every update; what no transaction shows is fetched."""
        updates = what.inputs.updates
        missing = [number for number in range(len(updates)) if number not in known]
        for done, number in enumerate(missing):
            report(f"fetching update {updates[number].index}", done, len(missing))
            [opening] = self.openings(updates[number].root, delta_shape(self.config), [leaf], report.deadline)
            known[number] = (opening, Source.STORE)
        return tuple(Share(update, *known[number]) for number, update in enumerate(updates))

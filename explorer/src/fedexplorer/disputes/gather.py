"""Reads what a conviction was made of: from the transactions of the case, and from the store what they do not show."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fedaggregator.compute.inputs import delta_shape, global_shape
from fedaggregator.disputes.proposed_leaves import proposed_digests
from fedaggregator.rules import Rule
from fedprotocol import tree
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.disputes import Disputes, Opening, Proof, Sums
from fedprotocol.chain.read.event_index import EventIndex
from fedprotocol.store.deadline import Deadline
from fedprotocol.tree import TreeShape
from fedprotocol.types import FederationConfig

from fedexplorer.content.inputs import RoundInputs
from fedexplorer.content.jobs import Report
from fedexplorer.content.recompute import Recomputed
from fedexplorer.content.trees import Trees
from fedexplorer.disputes.calldata import proofs, steps
from fedexplorer.disputes.calls import Call, carried, read_call
from fedexplorer.disputes.replay import Found, Part, Replay, ReplayError, Share, Source, replay


@dataclass(frozen=True)
class Convicted:
    """Which conviction is meant.

    Args:
        tx: the transaction in which the proposal was convicted.
        block: that transaction's block.
        opened: the block in which the round was opened; nothing of the case is older.
    """

    inputs: RoundInputs
    proposer: str
    root: bytes
    tx: bytes
    block: int
    opened: int


Recompute = Callable[[RoundInputs, Deadline], Recomputed]
"""Computes a round again, or gives what was computed before."""


@dataclass(frozen=True)
class Gathering:
    """Replays convictions of one federation."""

    coordinator: Coordinator
    events: EventIndex
    config: FederationConfig
    rule: Rule
    trees: Trees
    recompute: Recompute

    def __call__(self, what: Convicted, report: Report) -> Replay:
        """Raises ReplayError, CallUnreadable, ChainError, StoreError, TooLarge, Unserved, ProposalUnreadable."""
        report("reading the transaction that convicted it")
        call = read_call(self.coordinator, what.tx)
        proof = self._proof(call, what)
        found = self._found(call, what, report) if proof is None else self._told(call, proof, what, report)
        report("doing the sums again")
        return replay(self.rule, self.config, what.inputs, what.root, found)

    def _proof(self, call: Call, what: Convicted) -> Proof | None:
        """The proof as its sender gave it; None where the transaction does not show it."""
        for proof in proofs(call.data, self.coordinator.address):
            if (proof.round, proof.proposal_root) == (what.inputs.round, what.root):
                return proof
        return None

    def _told(self, call: Call, proof: Proof, what: Convicted, report: Report) -> Found:
        """From the proof, and the calls that carried sums for it."""
        start, count = proof.start.count, len(what.inputs.updates)
        known: dict[int, tuple[Opening, Source]] = {
            start + i: (opening, Source.CALLDATA) for i, opening in enumerate(proof.updates)
        }
        parts = [Part(call, "challenge", start, count)]
        if start:
            report("reading the calls that carried sums")
            earlier = self._carried(proof.leaf_index, start, what, known)
            parts = [*earlier, *parts]
            self._check_kept(proof.start, proof.leaf_index, what)
        self._fill(known, proof.leaf_index, what, report)
        return Found(
            leaf=proof.leaf_index,
            part=proof.part,
            leaf_is_known=True,
            prior=proof.prior,
            prior_source=Source.CALLDATA,
            claimed_digest=proof.claimed_digest,
            claimed_path=proof.claimed_path,
            shares=self._shares(known, what),
            kept=proof.start if start else None,
            calls=tuple(parts),
        )

    def _carried(self, leaf: int, start: int, what: Convicted, known: dict[int, tuple[Opening, Source]]) -> list[Part]:
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

    def _check_kept(self, start: Sums, leaf: int, what: Convicted) -> None:
        """Compare the sums that the challenge started from with the digest that the contract keeps of them."""
        kept = Disputes(self.coordinator).carried(what.inputs.round, leaf)
        if start.count >= len(kept) or kept[start.count] != start.digest:
            raise ReplayError(f"the contract keeps other sums over {start.count} updates than the challenge names")

    def _found(self, call: Call, what: Convicted, report: Report) -> Found:
        """Where no transaction shows the proof: the first wrong leaf, from the store and the chain's log."""
        report("computing the round again")
        judged = self.recompute(what.inputs, report.deadline).verdict(what.root)
        if judged is None or judged.first is None:
            raise ReplayError(
                f"the transaction does not show the proof, and the wrong leaf is not found: "
                f"{judged.unreadable if judged else 'the proposal is not among those of the round'}"
            )
        digests = proposed_digests(self.events, what.inputs.round, what.proposer, what.root)
        at, count = judged.first.leaf, self.config.leaf_count
        part, leaf = divmod(at, count)
        known: dict[int, tuple[Opening, Source]] = {}
        self._fill(known, leaf, what, report)
        shape = global_shape(self.config, self.rule)
        report("fetching the global before the round")
        prior = self._openings(what.inputs.prior_root, shape, range(leaf, shape.leaf_count, count), report.deadline)
        return Found(
            leaf=leaf,
            part=part,
            leaf_is_known=False,
            prior=prior,
            prior_source=Source.STORE,
            claimed_digest=digests[at],
            claimed_path=tuple(tree.path(digests, at)),
            shares=self._shares(known, what),
            kept=None,
            calls=(Part(call, "challenge", None, len(what.inputs.updates)),),
        )

    def _fill(self, known: dict[int, tuple[Opening, Source]], leaf: int, what: Convicted, report: Report) -> None:
        """Fetch the leaves that no transaction shows."""
        missing = [number for number in range(len(what.inputs.updates)) if number not in known]
        for done, number in enumerate(missing):
            update = what.inputs.updates[number]
            report(f"fetching update {update.index}", done, len(missing))
            [opening] = self._openings(update.root, delta_shape(self.config), [leaf], report.deadline)
            known[number] = (opening, Source.STORE)

    def _openings(
        self, root: bytes, shape: TreeShape, indices: range | list[int], deadline: Deadline
    ) -> tuple[Opening, ...]:
        with self.trees.get(root, shape, deadline) as leaves:
            digests = [leaves.digest(index) for index in range(len(leaves))]
            return tuple(Opening(leaves[index], tuple(tree.path(digests, index))) for index in indices)

    def _shares(self, known: dict[int, tuple[Opening, Source]], what: Convicted) -> tuple[Share, ...]:
        return tuple(Share(update, *known[number]) for number, update in enumerate(what.inputs.updates))

"""Reads what a conviction was made of: from the transactions of the case, and from the store what they do not show."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fedaggregator.compute.inputs import global_shape
from fedaggregator.disputes.proposed_leaves import proposed_digests
from fedaggregator.rules import Rule
from fedprotocol import tree
from fedprotocol.chain.read.disputes import Proof
from fedprotocol.chain.read.event_index import EventIndex
from fedprotocol.store.deadline import Deadline

from fedexplorer.content.inputs import RoundInputs
from fedexplorer.content.jobs import Report
from fedexplorer.content.recompute import Recomputed
from fedexplorer.disputes.calldata import proofs
from fedexplorer.disputes.calls import Call, read_call
from fedexplorer.disputes.gathered import Part, ReplayError, Source
from fedexplorer.disputes.read_leaf import Case, LeafReader
from fedexplorer.disputes.replay import Found, Replay, replay


@dataclass(frozen=True)
class Convicted(Case):
    """Which conviction is meant: that of the proposal with this `root`."""

    proposer: str
    root: bytes


Recompute = Callable[[RoundInputs, Deadline], Recomputed]
"""Computes a round again, or gives what was computed before."""


@dataclass(frozen=True)
class Gathering:
    """Replays convictions of one federation."""

    reader: LeafReader
    events: EventIndex
    rule: Rule
    recompute: Recompute

    def __call__(self, what: Convicted, report: Report) -> Replay:
        """Raises ReplayError, CallUnreadable, ChainError, StoreError, TooLarge, Unserved, ProposalUnreadable."""
        report("reading the transaction that convicted it")
        call = read_call(self.reader.coordinator, what.tx)
        proof = self._proof(call, what)
        found = self._found(call, what, report) if proof is None else self._told(call, proof, what, report)
        report("doing the sums again")
        return replay(self.rule, self.reader.config, what.inputs, what.root, found)

    def _proof(self, call: Call, what: Convicted) -> Proof | None:
        """The proof as its sender gave it; None where the transaction does not show it."""
        for proof in proofs(call.data, self.reader.coordinator.address):
            if (proof.round, proof.proposal_root) == (what.inputs.round, what.root):
                return proof
        return None

    def _told(self, call: Call, proof: Proof, what: Convicted, report: Report) -> Found:
        """From the proof, and the calls that carried sums for it."""
        return Found(
            **vars(self.reader.told(call, proof, what, report)),
            part=proof.part,
            prior=proof.prior,
            prior_source=Source.CALLDATA,
            claimed_digest=proof.claimed_digest,
            claimed_path=proof.claimed_path,
        )

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
        at, count = judged.first.leaf, self.reader.config.leaf_count
        part, leaf = divmod(at, count)
        given = self.reader.served(leaf, Part(call, "challenge", None, len(what.inputs.updates)), what, report)
        shape = global_shape(self.reader.config, self.rule)
        report("fetching the global before the round")
        every_part = range(leaf, shape.leaf_count, count)
        return Found(
            **vars(given),
            part=part,
            prior=self.reader.openings(what.inputs.prior_root, shape, every_part, report.deadline),
            prior_source=Source.STORE,
            claimed_digest=digests[at],
            claimed_path=tuple(tree.path(digests, at)),
        )

"""Reads what an impeachment was made of: from the transactions of the case, and from the store what they do not
show."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fedaggregator.compute.garbage import Garbage
from fedaggregator.rules.masked_mean import MaskedMean
from fedprotocol.chain.read.disputes import Accusation
from fedprotocol.store.deadline import Deadline

from fedexplorer.content.inputs import RoundInputs
from fedexplorer.content.jobs import Report
from fedexplorer.disputes.calldata import accusations
from fedexplorer.disputes.calls import Call, read_call
from fedexplorer.disputes.gathered import Gathered, Part, ReplayError
from fedexplorer.disputes.impeached import Impeached, impeached
from fedexplorer.disputes.read_leaf import Case, LeafReader


@dataclass(frozen=True)
class ImpeachmentGathering:
    """Replays impeachments of one federation. `recompute` computes a round again, and raises Garbage if it is."""

    reader: LeafReader
    rule: MaskedMean
    recompute: Callable[[RoundInputs, Deadline], object]

    def __call__(self, what: Case, report: Report) -> Impeached:
        """Raises ReplayError, CallUnreadable, ChainError, StoreError, TooLarge, Unserved."""
        report("reading the transaction that made the round void")
        call = read_call(self.reader.coordinator, what.tx)
        told = self._accusation(call, what)
        found = self._found(call, what, report) if told is None else self.reader.told(call, told, what, report)
        report("doing the sums again")
        return impeached(self.rule, self.reader.config, what.inputs, found)

    def _accusation(self, call: Call, what: Case) -> Accusation | None:
        """The proof as its sender gave it; None where the transaction does not show it."""
        given = accusations(call.data, self.reader.coordinator.address)
        return next((step for step in given if step.round == what.inputs.round), None)

    def _found(self, call: Call, what: Case, report: Report) -> Gathered:
        """Where no transaction shows the proof: the first leaf whose sums are out of range, from the store."""
        report("computing the round again")
        try:
            self.recompute(what.inputs, report.deadline)
        except Garbage as garbage:
            last = Part(call, "impeach", None, len(what.inputs.updates))
            return self.reader.served(garbage.leaf, last, what, report)
        raise ReplayError("the transaction does not show the proof, and all sums of the round are within the range")

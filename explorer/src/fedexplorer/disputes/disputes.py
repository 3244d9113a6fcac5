"""The convictions and impeachments of a federation, each replayed once for all who look."""

from __future__ import annotations

from dataclasses import replace

from fedaggregator.rules import RuleError
from fedaggregator.rules.masked_mean import MaskedMean
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.event_index import EventIndex
from fedprotocol.store.base import NotFound
from fedprotocol.store.deadline import Deadline
from fedprotocol.types import VoidReason

from fedexplorer.content.content import Content
from fedexplorer.content.inputs import Proposed, RoundInputs, inputs_of
from fedexplorer.content.jobs import Job, Jobs, Report
from fedexplorer.content.recompute import Recomputed
from fedexplorer.disputes.gather import Convicted, Gathering
from fedexplorer.disputes.gather_impeachment import ImpeachmentGathering
from fedexplorer.disputes.impeached import Impeached
from fedexplorer.disputes.read_leaf import Case, LeafReader
from fedexplorer.disputes.replay import Replay
from fedexplorer.history.records import Proposal, RoundHistory


class Disputes:
    """Replays, on top of the content of the same federation."""

    def __init__(self, coordinator: Coordinator, events: EventIndex, content: Content) -> None:
        self._events, self._content = events, content
        self._reader = LeafReader(coordinator, content.config, content.trees)
        self._replays: Jobs[Convicted, Replay] = Jobs("replay a conviction", self._replay, limit=3600.0)
        self._impeachments: Jobs[Case, Impeached] = Jobs("replay an impeachment", self._impeach, limit=3600.0)

    def close(self) -> None:
        """Stop all work."""
        self._replays.close()
        self._impeachments.close()

    def replay(self, history: RoundHistory, proposal: Proposal, patience: float = 0.0) -> Job[Replay]:
        """The replay of a conviction, or how it stands. Raises NotFound if the proposal is not convicted;
        NothingToRecompute, Busy."""
        return self._replays.ask(convicted(history, proposal), patience)

    def impeachment(self, history: RoundHistory, patience: float = 0.0) -> Job[Impeached]:
        """The replay of an impeachment, or how it stands. Raises NotFound if the round was not impeached;
        NothingToRecompute, Busy."""
        return self._impeachments.ask(impeached_in(history), patience)

    def _replay(self, what: Convicted, report: Report) -> Replay:
        return Gathering(self._reader, self._events, self._content.known_rule(), self._recomputed)(what, report)

    def _impeach(self, what: Case, report: Report) -> Impeached:
        rule = self._content.known_rule()
        if not isinstance(rule, MaskedMean):
            raise RuleError(f"the federation's rule is {rule.name}, by which no round is impeached")
        return ImpeachmentGathering(self._reader, rule, self._recomputed)(what, report)

    def _recomputed(self, inputs: RoundInputs, deadline: Deadline) -> Recomputed:
        while True:
            deadline.check()
            job = self._content.recompute(inputs, patience=1.0)
            if job.error is not None:
                raise job.error
            if job.result is not None:
                return job.result


def convicted(history: RoundHistory, proposal: Proposal) -> Convicted:
    """What a replay starts from. Raises NotFound, NothingToRecompute."""
    if proposal.conviction is None:
        raise NotFound(f"this proposal of round {history.number} is not convicted")
    place = proposal.conviction.place
    inputs = replace(inputs_of(history), proposals=(Proposed(proposal.proposer, proposal.root),))
    return Convicted(inputs, place.tx, place.block, history.opened.block, proposal.proposer, proposal.root)


def impeached_in(history: RoundHistory) -> Case:
    """What the replay of a round's impeachment starts from. Raises NotFound, NothingToRecompute."""
    if history.void_reason is not VoidReason.GARBAGE or history.settled is None:
        raise NotFound(f"round {history.number} was not impeached")
    place = history.settled
    return Case(replace(inputs_of(history), proposals=()), place.tx, place.block, history.opened.block)

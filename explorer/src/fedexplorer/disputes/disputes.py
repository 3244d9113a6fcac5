"""The convictions of a federation, each replayed once for all who look."""

from __future__ import annotations

from dataclasses import replace

from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.event_index import EventIndex
from fedprotocol.store.base import NotFound
from fedprotocol.store.deadline import Deadline

from fedexplorer.content.content import Content
from fedexplorer.content.inputs import Proposed, RoundInputs, inputs_of
from fedexplorer.content.jobs import Job, Jobs, Report
from fedexplorer.content.recompute import Recomputed
from fedexplorer.disputes.gather import Convicted, Gathering
from fedexplorer.disputes.replay import Replay
from fedexplorer.history.records import Proposal, RoundHistory


class Disputes:
    """Replays, on top of the content of the same federation."""

    def __init__(self, coordinator: Coordinator, events: EventIndex, content: Content) -> None:
        self._coordinator, self._events, self._content = coordinator, events, content
        self._replays: Jobs[Convicted, Replay] = Jobs("replay a conviction", self._replay, limit=3600.0)

    def close(self) -> None:
        """Stop all work."""
        self._replays.close()

    def replay(self, history: RoundHistory, proposal: Proposal, patience: float = 0.0) -> Job[Replay]:
        """The replay of a conviction, or how it stands. Raises NotFound if the proposal is not convicted;
        NothingToRecompute, Busy."""
        return self._replays.ask(convicted(history, proposal), patience)

    def _replay(self, what: Convicted, report: Report) -> Replay:
        content = self._content
        gathering = Gathering(
            self._coordinator,
            self._events,
            content.config,
            content.known_rule(),
            content.trees,
            self._recomputed,
        )
        return gathering(what, report)

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
    return Convicted(inputs, proposal.proposer, proposal.root, place.tx, place.block, history.opened.block)

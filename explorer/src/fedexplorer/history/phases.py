"""When a round was in which phase, from its acts (`docs/protocol.md`, "Time")."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fedprotocol.types import FederationConfig, Phase, RoundView

from fedexplorer.history.records import Span


@dataclass(frozen=True)
class Acts:
    """What decides the phases of a round; times in seconds.

    Args:
        opened: when the round was opened; `train_end`: when Train ends by the clock.
        active: how many may commit.
        commits: the time of each client's first commit.
        matching: how many of the last commits name the prior; None while that is unknown.
        prior_settled: when the round before was settled: 0 for the first round, None while it is not.
        reveals, votes: the times of all of them.
        live: (time, how many proposals are live from then on), in order.
        oldest_window: until when the oldest live proposal can be convicted; None if none is live.
        settled: when and how the rules settled the round; None if they have not.
    """

    opened: int
    train_end: int
    active: int
    commits: Sequence[int]
    matching: int | None
    prior_settled: int | None
    reveals: Sequence[int]
    votes: Sequence[int]
    live: Sequence[tuple[int, int]]
    oldest_window: int | None
    settled: tuple[int, Phase] | None


def phases(acts: Acts, config: FederationConfig, now: int) -> tuple[Span, ...]:
    """The phases up to `now`, in order. The last one may end later than `now`."""
    spans = _unsettled(acts, config, now)
    if acts.settled is not None:
        at, how = acts.settled
        spans = [_cut(span, at) for span in spans if span.start < at]
        spans.append(Span(how, at, None))
    return tuple(spans)


def as_seen(spans: tuple[Span, ...], view: RoundView) -> tuple[Span, ...]:
    """The phases of a round that is not settled, where the contract's lens knows more than the log: an act that was not
    yet in it may have ended a phase."""
    if view.phase is Phase.NONE or spans[-1].phase is view.phase:
        return spans
    earlier = [_cut(span, view.phase_start) for span in spans if span.start < view.phase_start]
    return (*earlier, Span(view.phase, view.phase_start, view.phase_end or None))


def train_end(acts: Acts) -> int:
    """When Train ends: at the last first commit if everybody who may commit has."""
    return _early(acts.commits, acts.active) or acts.train_end


def _unsettled(acts: Acts, config: FederationConfig, now: int) -> list[Span]:
    spans: list[Span] = []

    def reached(phase: Phase, start: int, end: int | None) -> bool:
        """Note a phase; whether it is over by `now`."""
        if end is None or start < end:
            spans.append(Span(phase, start, end))
        return end is not None and end <= now

    trained = train_end(acts)
    if not reached(Phase.TRAIN, acts.opened, trained):
        return spans
    if acts.prior_settled is None:
        spans.append(Span(Phase.WAITING, trained, None))
        return spans
    start = max(trained, acts.prior_settled)
    reached(Phase.WAITING, trained, start)
    end = _early(acts.reveals, acts.matching) or start + config.reveal_length
    if not reached(Phase.REVEAL, start, end):
        return spans
    start, end = end, _early(acts.votes, len(acts.reveals)) or end + config.attest_length
    if not reached(Phase.ATTEST, start, end):
        return spans
    phase, start = Phase.AGGREGATE, end
    for time, count in acts.live:
        following = Phase.CHALLENGE if count else Phase.AGGREGATE
        if following is not phase:
            reached(phase, start, time)
            phase, start = following, time
    spans.append(Span(phase, start, acts.oldest_window if phase is Phase.CHALLENGE else None))
    return spans


def _early(times: Sequence[int], everybody: int | None) -> int | None:
    """When the last of `everybody` acted; None if somebody has not, or nobody may."""
    return max(times) if everybody and len(times) >= everybody else None


def _cut(span: Span, at: int) -> Span:
    return span if span.end is not None and span.end <= at else Span(span.phase, span.start, at)

"""Where the acts of a round stand on its time axis, for drawing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from fedprotocol.types import Phase

from fedexplorer.views.round_rows import Participant, PhaseRow, ProposalRow

WIDTH = 1000  # of the axis, in the units of the drawing
MOST_LANES = 40  # with more participants, each kind of act has a lane
SHORTEST = 60  # seconds that the axis shows at least

COMMITTED, REVEALED, ATTESTED, PROPOSED, CONVICTED = "committed", "revealed", "attested", "proposed", "convicted"
KINDS = (COMMITTED, REVEALED, ATTESTED, PROPOSED, CONVICTED)


@dataclass(frozen=True)
class Band:
    """A phase behind the marks, from `x` on, `width` wide."""

    phase: Phase
    x: float
    width: float
    start: int


@dataclass(frozen=True)
class Mark:
    """`count` acts of one kind at one time, at `x`."""

    kind: str
    x: float
    time: int
    count: int


@dataclass(frozen=True)
class Lane:
    """What one account did, or, without an account, all that was done of one kind."""

    account: str | None
    kind: str
    marks: tuple[Mark, ...]


@dataclass(frozen=True)
class Timeline:
    """From `start` to `end` (seconds). `now` is where the present is, None if it is not on the axis."""

    start: int
    end: int
    bands: tuple[Band, ...]
    lanes: tuple[Lane, ...]
    now: float | None


def timeline(
    phases: Sequence[PhaseRow], participants: Sequence[Participant], proposals: Sequence[ProposalRow], now: int
) -> Timeline:
    """The axis of a round at `now`. It ends when the round was decided, otherwise at `now` or when the phase ends."""
    start, last = phases[0].start, phases[-1]
    is_settled = last.phase.settled
    end = last.start + (last.start - start) // 50 if is_settled else max(now, last.end or now)
    end = max(end, start + SHORTEST)
    acts = list(_acts(participants, proposals))

    def x(time: int) -> float:
        return round(WIDTH * min(max(time - start, 0), end - start) / (end - start), 1)

    def marks(found: Iterable[tuple[str, str, int]]) -> tuple[Mark, ...]:
        counts: dict[tuple[str, int], int] = defaultdict(int)
        for _, kind, time in found:
            counts[kind, time] += 1
        return tuple(Mark(kind, x(time), time, count) for (kind, time), count in counts.items())

    bands = []
    for phase in phases:
        begins, ends = x(phase.start), x(end if phase is last or phase.end is None else phase.end)
        bands.append(Band(phase.phase, begins, round(ends - begins, 1), phase.start))
    accounts = list(dict.fromkeys(account for account, _, _ in acts))
    if len(accounts) <= MOST_LANES:
        by_account = defaultdict(list)
        for act in acts:
            by_account[act[0]].append(act)
        lanes = [Lane(account, "", marks(by_account[account])) for account in accounts]
    else:
        lanes = [Lane(None, kind, marks(a for a in acts if a[1] == kind)) for kind in KINDS]
        lanes = [lane for lane in lanes if lane.marks]
    return Timeline(start, end, tuple(bands), tuple(lanes), None if is_settled else x(now))


def _acts(participants: Iterable[Participant], proposals: Iterable[ProposalRow]) -> Iterable[tuple[str, str, int]]:
    """Who, what, when."""
    for p in participants:
        yield p.account, COMMITTED, p.committed
        if p.revealed is not None:
            yield p.account, REVEALED, p.revealed
        if p.attested is not None:
            yield p.account, ATTESTED, p.attested
    for proposal in proposals:
        yield proposal.proposer, PROPOSED, proposal.time
        if proposal.challenger is not None and proposal.convicted is not None:
            yield proposal.challenger, CONVICTED, proposal.convicted

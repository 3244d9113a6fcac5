"""A round computed again on the server: asked for by a visitor, done once for all, and compared with every proposal."""

from __future__ import annotations

from typing import Annotated

from fedaggregator.compute.garbage import Garbage
from fedprotocol.types import VoidReason
from pydantic import Field

from fedexplorer.content.content import Content
from fedexplorer.content.inputs import NothingToRecompute, RoundInputs, inputs_of
from fedexplorer.content.jobs import Busy, Job
from fedexplorer.content.recompute import Judged, Recomputed
from fedexplorer.errors import NotYet
from fedexplorer.history.records import RoundHistory, Standing
from fedexplorer.views.history_at import history_at
from fedexplorer.views.site import Site
from fedexplorer.views.view import Csv, Hex, Model, View
from fedexplorer.views.work import NO_STORE, Work, work

Number = Annotated[int, Field(ge=1, le=1 << 32)]


class VerdictRow(Model):
    """A proposal compared with the global that was computed here. `leaf` is the first one that differs, with the
    digests of what it should be and of what the proposal claims; `unreadable` says why it is not known."""

    proposer: str
    root: Hex
    standing: Standing
    is_right: bool
    leaf: int | None
    expected: Hex | None
    claimed: Hex | None
    unreadable: str


class RecomputePage(Model):
    """A round computed again, or how far that is.

    Args:
        why_not: why it cannot be computed; empty if it can.
        computing: how it stands; None if nobody asked for it yet, or it is done.
        seconds: how long it took.
        root: the right global, as it was computed here; None until then.
        global_root: the global that the round ended with; None if it has not.
        is_right: whether the two are the same; None while one of them is not known.
        updates: how many it follows from.
        garbage: the leaf at which masked updates add up to what no honest ones do, so that nothing follows from them;
            None if there is none.
        is_impeached: whether the round is void for that.
    """

    round: int
    why_not: str
    computing: Work | None
    seconds: float | None
    prior_root: Hex | None
    updates: int
    root: Hex | None
    global_root: Hex | None
    is_right: bool | None
    garbage: int | None
    is_impeached: bool
    verdicts: tuple[VerdictRow, ...]


def build(site: Site, number: Number) -> RecomputePage:
    """A round computed again on the server; `POST` to the same address begins it."""
    history = history_at(site, number)
    try:
        content, inputs = _inputs(site, history)
    except (NothingToRecompute, NotYet) as error:
        return _page(history, None, None, str(error))
    return _page(history, inputs, content.recomputed(inputs))


def begin(site: Site, number: int) -> None:
    """Have a round computed again, unless that was done. Raises NotThere, NotYet."""
    history = history_at(site, number)
    try:
        content, inputs = _inputs(site, history)
        content.recompute(inputs)
    except (Busy, NothingToRecompute) as error:
        raise NotYet(str(error)) from error


def _inputs(site: Site, history: RoundHistory) -> tuple[Content, RoundInputs]:
    if site.content is None:
        raise NotYet(NO_STORE)
    return site.content, inputs_of(history)


def _page(
    history: RoundHistory, inputs: RoundInputs | None, job: Job[Recomputed] | None, why_not: str = ""
) -> RecomputePage:
    found = None if job is None else job.result
    garbage = job.error.leaf if job is not None and isinstance(job.error, Garbage) else None
    right = None if found is None or history.global_root is None else found.root == history.global_root
    return RecomputePage(
        round=history.number,
        why_not=why_not,
        computing=None if job is None or found is not None or garbage is not None else work(job),
        seconds=None if job is None or found is None else round(job.seconds, 2),
        prior_root=history.prior_root,
        updates=0 if inputs is None else len(inputs.updates),
        root=None if found is None else found.root,
        global_root=history.global_root,
        is_right=right,
        garbage=garbage,
        is_impeached=history.void_reason is VoidReason.GARBAGE and history.settled is not None,
        verdicts=() if found is None else tuple(_row(judged, history) for judged in found.verdicts),
    )


def _row(judged: Judged, history: RoundHistory) -> VerdictRow:
    standing = next((p.standing for p in history.proposals if p.root == judged.proposal.root), Standing.LOST)
    first = judged.first
    return VerdictRow(
        proposer=judged.proposal.proposer,
        root=judged.proposal.root,
        standing=standing,
        is_right=judged.is_right,
        leaf=None if first is None else first.leaf,
        expected=None if first is None else first.expected,
        claimed=None if first is None else first.claimed,
        unreadable=judged.unreadable,
    )


def _verdicts(page: RecomputePage) -> Csv:
    names = tuple(VerdictRow.model_fields)
    return Csv(names, ([getattr(row, name) for name in names] for row in page.verdicts))


RECOMPUTE = View("recompute", "/rounds/{number}/recompute", build, tables={"verdicts": _verdicts}, pages=lambda _: ())

"""The rounds, as a list that can be filtered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from fastapi import Query
from fedprotocol.types import Phase, VoidReason
from pydantic import PrivateAttr

from fedexplorer.history.records import RoundHistory
from fedexplorer.views.site import Site
from fedexplorer.views.view import Csv, Hex, Model, Named, View

SHOWN = 50
LARGEST = 2**53
REASONS = tuple(reason.name.lower() for reason in VoidReason if reason is not VoidReason.NONE)
Ended = Literal["", "open", "final", "void"]


class RoundRow(Model):
    """A round. `settled` is when the rules decided it, None while they have not. `accepted` is None while that is not
    decided. The losses are the means, by weight, of what the clients report; `paid` is in token units."""

    round: int
    phase: Named[Phase]
    void_reason: Named[VoidReason]
    opened: int
    settled: int | None
    active: int
    committed: int
    revealed: int
    attested: int
    accepted: int | None
    weight: int
    loss_before: float | None
    loss_after: float | None
    proposals: int
    convicted: int
    penalties: int
    paid: int
    aggregator: str | None
    global_root: Hex | None


class RoundsPage(Model):
    """Rounds, the newest first: `rows` are those from `first` on (counted from 0) of `count` that pass the filter, of
    `opened` in all. `length`: only rounds up to this one are looked at, so that pages do not move."""

    ended: str
    reason: str
    dispute: bool
    length: int
    first: int
    shown: int
    count: int
    opened: int
    rows: tuple[RoundRow, ...]
    _found: Sequence[RoundHistory] = PrivateAttr(default=())

    @property
    def filters(self) -> dict[str, object]:
        """The parameters of this selection, for links."""
        given = {"ended": self.ended, "reason": self.reason, "dispute": "yes" if self.dispute else ""}
        return {name: value for name, value in given.items() if value}

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why a round may be void."""
        return REASONS


def build(
    site: Site,
    ended: Annotated[Ended, Query(description="Rounds that are open, final or void")] = "",
    reason: Annotated[str, Query(max_length=40, description="Why a round is void")] = "",
    dispute: Annotated[Literal["", "yes"], Query(description="Only rounds with a proposal that was convicted")] = "",
    length: Annotated[int | None, Query(ge=0, le=LARGEST)] = None,
    first: Annotated[int, Query(ge=0, le=LARGEST)] = 0,
    shown: Annotated[int, Query(ge=1, le=500)] = SHOWN,
) -> RoundsPage:
    """All rounds of the federation, by how they ended."""
    every = site.state.rounds.all
    length = len(every) if length is None else min(length, len(every))
    found = [h for h in reversed(every[:length]) if _passes(h, ended, reason, bool(dispute))]
    page = RoundsPage(
        ended=ended,
        reason=reason,
        dispute=bool(dispute),
        length=length,
        first=first,
        shown=shown,
        count=len(found),
        opened=len(every),
        rows=tuple(map(row_of, found[first : first + shown])),
    )
    page._found = found
    return page


def _passes(history: RoundHistory, ended: str, reason: str, dispute: bool) -> bool:
    state = {Phase.FINAL: "final", Phase.VOID: "void"}.get(history.phase, "open")
    return (
        ended in ("", state)
        and reason in ("", history.void_reason.name.lower())
        and (not dispute or history.convicted > 0)
    )


def row_of(history: RoundHistory) -> RoundRow:
    """One round as the list has it."""
    updates = history.updates
    is_judged = bool(updates) and updates[0].accepted is not None
    before, after = history.mean_losses or (None, None)
    return RoundRow(
        round=history.number,
        phase=history.phase,
        void_reason=history.void_reason,
        opened=history.opened.time,
        settled=history.settled_at,
        active=history.active,
        committed=len(history.commits),
        revealed=len(updates),
        attested=len(history.votes),
        accepted=sum(u.accepted is True for u in updates) if is_judged else None,
        weight=history.total_weight,
        loss_before=before,
        loss_after=after,
        proposals=len(history.proposals),
        convicted=history.convicted,
        penalties=len(history.penalties),
        paid=sum(payment.amount for payment in history.payments),
        aggregator=history.aggregator,
        global_root=history.global_root,
    )


def _table(page: RoundsPage) -> Csv:
    """All rounds of the selection."""
    names = tuple(RoundRow.model_fields)
    return Csv(names, ([getattr(row, name) for name in names] for row in map(row_of, page._found)))


ROUNDS = View("rounds", "/rounds", build, tables={"": _table})

"""One round: when what happened, who took part, who vouched for whom, what was proposed, who was paid, what it cost."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated

from fastapi import Query
from fedprotocol.chain.read.events import Event
from fedprotocol.types import Phase, VoidReason
from pydantic import PrivateAttr

from fedexplorer.history.records import RoundHistory
from fedexplorer.views.history_at import history_at
from fedexplorer.views.matrix import Matrix, matrix
from fedexplorer.views.next_step import nobody_pays, what_goes_on, why_void
from fedexplorer.views.raw import RawRow, raw_rows
from fedexplorer.views.round_gas import RoundGas, gas_of
from fedexplorer.views.round_rows import (
    Participant,
    PaymentRow,
    PhaseRow,
    ProposalRow,
    UpdateRow,
    participants_of,
    payment_rows,
    proposal_rows,
    update_rows,
)
from fedexplorer.views.round_tables import TABLES
from fedexplorer.views.site import Site
from fedexplorer.views.timeline import Timeline, timeline
from fedexplorer.views.view import Hex, Model, Named, Parameters, View

LARGEST = 2**53
EVENTS = 25  # on a page
LINES = 32  # of clients


class RoundPage(Model):
    """A round. `prior_root` is None while it is not known. `settled` is when the rules decided the round,
    `written` when that was written down; None before. The events are those from `first` on (counted from 0) of
    `event_count`; the tables of clients are shown from `line` on. Money is in token units. `is_masked`: the updates are
    masked, so that nobody sees more than their sum."""

    number: int
    is_masked: bool
    opened_rounds: int
    time: int
    phase: Named[Phase]
    void_reason: Named[VoidReason]
    says: str
    opened: int
    settled: int | None
    written: int | None
    prior_root: Hex | None
    global_root: Hex | None
    aggregator: str | None
    active: int
    total_weight: int
    reserved: int
    aggregator_reward: int
    client_rewards: int
    returned_to_pool: int
    phases: tuple[PhaseRow, ...]
    participants: tuple[Participant, ...]
    updates: tuple[UpdateRow, ...]
    proposals: tuple[ProposalRow, ...]
    payments: tuple[PaymentRow, ...]
    gas: RoundGas
    line: int
    first: int
    event_count: int
    events: tuple[RawRow, ...]
    _all_events: Sequence[Event] = PrivateAttr(default=())

    @property
    def all_events(self) -> Sequence[Event]:
        """The events of the round, also those that stand on other pages."""
        return self._all_events

    @property
    def timeline(self) -> Timeline:
        """Everything on one axis of time."""
        return timeline(self.phases, self.participants, self.proposals, self.time)

    @property
    def matrix(self) -> Matrix:
        """Who vouched for whom."""
        return matrix(self.participants, self.updates)

    @property
    def lines(self) -> int:
        """How many clients a table shows at once."""
        return LINES

    @property
    def accepted(self) -> int:
        """How many updates are accepted."""
        return sum(update.accepted is True for update in self.updates)

    @property
    def is_at_home(self) -> bool:
        """Whether no content of the masked updates has left its site, or ever will."""
        return self.is_masked and (self.phase is Phase.REVEAL or self.void_reason is VoidReason.TOO_FEW_REVEALS)

    @property
    def is_impeached(self) -> bool:
        """Whether it is void for what its masked updates add up to, and that is written down."""
        return self.void_reason is VoidReason.GARBAGE and self.written is not None

    @property
    def refused(self) -> tuple[UpdateRow, ...]:
        """The updates that are not accepted, once that is decided."""
        return tuple(update for update in self.updates if update.accepted is False)

    @property
    def is_judged(self) -> bool:
        """Whether it is decided which updates are accepted."""
        return any(update.accepted is not None for update in self.updates)


def build(
    site: Site,
    number: int,
    line: Annotated[int, Query(ge=0, le=LARGEST)] = 0,
    first: Annotated[int, Query(ge=0, le=LARGEST)] = 0,
) -> RoundPage:
    """One round: timeline, updates, votes, proposals, payments, gas and events."""
    history, log = history_at(site, number), site.state.log
    events = log.of_round(number)
    page = RoundPage(
        number=number,
        is_masked=site.state.federation.config.is_masked,
        opened_rounds=len(site.state.rounds.all),
        time=site.state.now,
        phase=history.phase,
        void_reason=history.void_reason,
        says=_says(site, history),
        opened=history.opened.time,
        settled=history.settled_at,
        written=history.settled.time if history.settled else None,
        prior_root=history.prior_root,
        global_root=history.global_root,
        aggregator=history.aggregator,
        active=history.active,
        total_weight=history.total_weight,
        reserved=history.reserved,
        aggregator_reward=history.aggregator_reward,
        client_rewards=history.client_rewards,
        returned_to_pool=history.returned_to_pool,
        phases=tuple(PhaseRow(phase=span.phase, start=span.start, end=span.end) for span in history.phases),
        participants=participants_of(history),
        updates=update_rows(history, site.state.federation.config.is_masked),
        proposals=proposal_rows(history),
        payments=payment_rows(history),
        gas=gas_of(site, number),
        line=line,
        first=first,
        event_count=len(events),
        events=raw_rows(events[first : first + EVENTS], site.entry),
    )
    page._all_events = events
    return page


def _says(site: Site, history: RoundHistory) -> str:
    """What goes on in the round, or how it ended, in a sentence."""
    config, found = site.state.federation.config, site.state.snapshot.round(history.number)
    if history.phase is Phase.VOID:
        why = f"Round {history.number} ended without a global model: {why_void(history.void_reason, config)}."
        if not config.is_masked or history.void_reason is not VoidReason.TOO_FEW_REVEALS:
            return why
        matching = sum(commit.matches is True for commit in history.commits)
        return f"{why} {nobody_pays(len(history.updates), matching, history.active)}".strip()
    if history.is_final:
        accepted, all_updates = sum(update.accepted is True for update in history.updates), len(history.updates)
        return f"Round {history.number} has a global model, which follows from {accepted} of {all_updates} updates."
    return what_goes_on(history.number, found.view, config) if found is not None else ""


def _pages(site: Site) -> Iterable[Parameters]:
    return ({"number": history.number} for history in site.state.rounds.all)


ROUND = View("round", "/rounds/{number}", build, tables=TABLES, pages=_pages)

"""One account: its seat, its stake, weight and share over time, what it did in each round, and its money."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated

from fastapi import Query
from fedprotocol.address import parse_address
from pydantic import PrivateAttr

from fedexplorer.errors import NotThere
from fedexplorer.follow.state import State
from fedexplorer.history.holdings import Change
from fedexplorer.history.participation import part
from fedexplorer.history.records import Proposal, RoundHistory
from fedexplorer.history.seats import Stay
from fedexplorer.views.lost_seat import seat_lost_in
from fedexplorer.views.part_row import PartRow, part_row
from fedexplorer.views.people import Person, carries, others, participants, person, updates
from fedexplorer.views.site import Site
from fedexplorer.views.stacked import Stacked, stacked
from fedexplorer.views.view import Csv, Hex, Model, Parameters, View

LARGEST = 2**53  # of a number in a request, which JavaScript can write too
SHOWN = 60  # rounds on a page
CHANGES = 40
POINTS = 240  # of the chart


class StayRow(Model):
    """From taking a seat to withdrawing the stake. `spans` are the rounds in which it may commit, first <= n < end.
    `left_by`: who put it out; `lost_in`: the round of a masked federation that its penalty cost it the seat."""

    joined: int
    tx: Hex
    spans: tuple[tuple[int, int | None], ...]
    suspended: int | None
    left: int | None
    left_by: str | None
    lost_in: int | None
    withdrawn: int | None


class ProposalRow(Model):
    """A proposal of the account, or one that it proved wrong. `is_own` can be true for both."""

    round: int
    root: Hex
    proposer: str
    bond: int
    standing: str
    time: int
    challenger: str | None
    bounty: int | None


class ChangeRow(Model):
    """What is held for the account after an event that changed it."""

    time: int
    block: int
    tx: Hex
    event: str
    round: int | None
    kind: str
    amount: int
    stake: int
    bonds: int
    owed: int


class Point(Model):
    """What was held at a time."""

    time: int
    stake: int
    bonds: int
    owed: int


class ParticipantPage(Model):
    """An account. Money is as last settled. `rounds` are those from `from_round` on, `shown` at most; `proposals`
    are of these. `changes` are those from `first` on (counted from 0) of `count`, the newest first; `totals` are
    by kind.
    """

    address: str
    name: str
    standing: str
    stays: tuple[StayRow, ...]
    stake: int
    bonds: int
    owed: int
    carries: int
    totals: dict[str, int]
    active: int
    committed: int
    revealed: int
    accepted: int
    opened: int
    from_round: int
    shown: int
    rounds: tuple[PartRow, ...]
    proposals: tuple[ProposalRow, ...]
    first: int
    count: int
    changes: tuple[ChangeRow, ...]
    points: tuple[Point, ...]
    time: int
    _rounds: Sequence[RoundHistory] = PrivateAttr(default=())
    _found: Person = PrivateAttr()

    @property
    def chart(self) -> Stacked | None:
        """What was held over time, one on top of the other."""
        series = [(name, [getattr(point, name) for point in self.points]) for name in ("stake", "bonds", "owed")]
        return stacked([point.time for point in self.points], series, [None] * len(self.points), self.time)


def build(
    site: Site,
    address: str,
    from_round: Annotated[int | None, Query(ge=1, le=LARGEST)] = None,
    first: Annotated[int, Query(ge=0, le=LARGEST)] = 0,
) -> ParticipantPage:
    """One participant: seat, stake, weight and share over time, its rounds and its money."""
    try:
        account = parse_address(address)
    except ValueError as error:
        raise NotThere(f"An address {error}.") from None
    state, rounds = site.state, site.state.rounds.all
    found = person(state, account)
    if not found.stays and not found.holdings.changes:
        raise NotThere("No event of this federation gives this account a seat, a proposal or money.")
    begin = max(1, len(rounds) - SHOWN + 1) if from_round is None else from_round
    visible = rounds[begin - 1 : begin - 1 + SHOWN]
    held, changes = found.holdings.now, found.holdings.changes
    page = ParticipantPage(
        address=account,
        name=site.names.get(account, ""),
        standing=found.standing,
        stays=tuple(_stay(state, stay) for stay in found.stays),
        stake=held.stake,
        bonds=held.bonds,
        owed=held.owed,
        carries=carries(held.stake, state.federation.config),
        totals={kind: amount for kind, amount in found.holdings.totals.items() if amount},
        active=found.active_rounds(len(rounds)),
        committed=found.committed,
        revealed=updates(state.rounds).revealed[account],
        accepted=updates(state.rounds).accepted[account],
        opened=len(rounds),
        from_round=begin,
        shown=SHOWN,
        rounds=tuple(part_row(part(history, account), found) for history in visible),
        proposals=tuple(_proposals(visible, account))[::-1],
        first=first,
        count=len(changes),
        changes=tuple(map(_change, changes[::-1][first : first + CHANGES])),
        points=tuple(_points(changes)),
        time=state.now,
    )
    page._rounds, page._found = rounds, found
    return page


def _stay(state: State, stay: Stay) -> StayRow:
    lost_in = seat_lost_in(state, stay)
    return StayRow(
        joined=stay.joined.time,
        tx=stay.joined.tx_hash,
        spans=stay.spans,
        suspended=None if stay.suspended is None else stay.suspended.time,
        left=None if stay.left is None else stay.left.time,
        left_by=None if stay.left is None or lost_in is not None else stay.left.args.get("by"),
        lost_in=lost_in,
        withdrawn=None if stay.withdrawn is None else stay.withdrawn.time,
    )


def _proposals(rounds: Sequence[RoundHistory], account: str) -> Iterator[ProposalRow]:
    for history in rounds:
        for proposal in history.proposals:
            proved = proposal.conviction
            if account == proposal.proposer or (proved is not None and account == proved.challenger):
                yield _proposal(history.number, proposal)


def _proposal(number: int, proposal: Proposal) -> ProposalRow:
    proved = proposal.conviction
    return ProposalRow(
        round=number,
        root=proposal.root,
        proposer=proposal.proposer,
        bond=proposal.bond,
        standing=proposal.standing,
        time=proposal.place.time,
        challenger=None if proved is None else proved.challenger,
        bounty=None if proved is None else proved.bounty,
    )


def _change(change: Change) -> ChangeRow:
    event, after = change.event, change.after
    return ChangeRow(
        time=event.time,
        block=event.block,
        tx=event.tx_hash,
        event=event.name,
        round=event.args.get("round"),
        kind=change.kind,
        amount=change.amount,
        stake=after.stake,
        bonds=after.bonds,
        owed=after.owed,
    )


def _points(changes: Sequence[Change]) -> Iterator[Point]:
    count = len(changes)
    for place in range(count) if count <= POINTS else (i * (count - 1) // (POINTS - 1) for i in range(POINTS)):
        after = changes[place].after
        yield Point(time=changes[place].event.time, stake=after.stake, bonds=after.bonds, owed=after.owed)


PART_NAMES = tuple(PartRow.model_fields)
CHANGE_NAMES = tuple(ChangeRow.model_fields)


def _rounds_table(page: ParticipantPage) -> Csv:
    """Every round, in order."""
    rows = (part_row(part(history, page.address), page._found) for history in page._rounds)
    return Csv(PART_NAMES, (_cells(row, PART_NAMES) for row in rows))


def _money_table(page: ParticipantPage) -> Csv:
    """Every change, the newest first."""
    rows = (_change(change) for change in reversed(page._found.holdings.changes))
    return Csv(CHANGE_NAMES, (_cells(row, CHANGE_NAMES) for row in rows))


def _cells(row: Model, names: Sequence[str]) -> list[object]:
    values = row.model_dump(mode="json")
    return [values[name] for name in names]


def _pages(site: Site) -> Iterable[Parameters]:
    return ({"address": account} for account in (*participants(site.state), *others(site.state)))


PARTICIPANT = View(
    "participant",
    "/participants/{address}",
    build,
    tables={"rounds": _rounds_table, "money": _money_table},
    pages=_pages,
)

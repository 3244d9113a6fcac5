"""Who did what in which round, as a grid that can be replayed: participants below one another, rounds side by side."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Annotated

from fastapi import Query

from fedexplorer.errors import NotThere
from fedexplorer.follow.state import State
from fedexplorer.history.records import RoundHistory
from fedexplorer.views.people import participants
from fedexplorer.views.site import Site
from fedexplorer.views.view import Csv, Model, Parameters, View

MOST_CELLS = 1_000  # of the grid on one page
MOST_ROUNDS = 40
LEAST_ROUNDS = 4

MARKS = {
    "Committed": ("client", "committed"),
    "Revealed": ("client", "revealed"),
    "Attested": ("client", "attested"),
    "Proposed": ("proposer", "proposed"),
    "Convicted": ("proposer", "convicted"),
    "Penalized": ("client", "penalised"),
}
"""Events that leave a mark: the argument that says whose, and what the mark is called."""


class Mark(Model):
    """Something that an account did, or that befell it, in a round."""

    kind: str
    time: int


class Cell(Model):
    """What one account did in one round; each kind of thing once, as it was last."""

    marks: tuple[Mark, ...]


class Line(Model):
    """One account, with a cell for each round of the page."""

    account: str
    cells: tuple[Cell, ...]


class Column(Model):
    """One round: when it was opened, and when and how it was settled, as far as it is."""

    number: int
    opened: int
    settled: int | None
    is_final: bool


class ReplayPage(Model):
    """The rounds from `first` on. `start` and `end` are the times between which they can be replayed."""

    first: int
    shown: int
    opened: int
    columns: tuple[Column, ...]
    lines: tuple[Line, ...]
    start: int
    end: int


def build(site: Site, first: Annotated[int | None, Query(ge=1)] = None) -> ReplayPage:
    """Who did what in which round."""
    log, rounds = site.state.log, site.state.rounds.all
    opened = len(rounds)
    accounts = _shown(site.state)
    fitting = MOST_CELLS // max(1, len(accounts))
    shown = max(LEAST_ROUNDS, min(MOST_ROUNDS, fitting))
    first = max(1, opened - shown + 1) if first is None else first
    if first > max(1, opened):
        raise NotThere(f"there is no round {first}; the last one that was opened is {opened}")
    columns = [_column(history) for history in rounds[first - 1 : first - 1 + shown]]
    numbers = [column.number for column in columns]
    marks: defaultdict[tuple[str, int], dict[str, Mark]] = defaultdict(dict)
    for number in numbers:
        for event in log.of_round(number):
            if event.name in MARKS:
                who, kind = MARKS[event.name]
                marks[event.args[who], number][kind] = Mark(kind=kind, time=event.time)
    empty = Cell(marks=())
    lines = []
    for account in accounts:
        cells = [
            Cell(marks=tuple(found.values())) if (found := marks.get((account, number))) else empty
            for number in numbers
        ]
        lines.append(Line(account=account, cells=tuple(cells)))
    return ReplayPage(
        first=first,
        shown=shown,
        opened=opened,
        columns=tuple(columns),
        lines=tuple(lines),
        start=columns[0].opened if columns else site.state.now,
        end=max((column.settled or site.state.now for column in columns), default=site.state.now),
    )


def _shown(state: State) -> list[str]:
    """Everybody who ever took a seat, and then everybody else who ever proposed, in the order in which they came."""
    proposers = (event.args["proposer"] for event in state.log.named("Proposed"))
    return list(dict.fromkeys((*participants(state), *proposers)))


def _column(history: RoundHistory) -> Column:
    is_written = history.settled is not None
    return Column(
        number=history.number,
        opened=history.opened.time,
        settled=history.settled_at if is_written else None,
        is_final=is_written and history.is_final,
    )


def _table(page: ReplayPage) -> Csv:
    rows = (
        (column.number, line.account, mark.kind, mark.time)
        for line in page.lines
        for column, cell in zip(page.columns, line.cells, strict=True)
        for mark in cell.marks
    )
    return Csv(("round", "account", "what", "time"), rows)


def _pages(site: Site) -> Iterable[Parameters]:
    return ({},) if site.state.rounds.all else ()


REPLAY = View("replay", "/replay", build, tables={"": _table}, pages=_pages)

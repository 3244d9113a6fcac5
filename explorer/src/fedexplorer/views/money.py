"""The money: what the coordinator's tokens are for over time, what flowed where, and that it adds up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import Query
from pydantic import PrivateAttr

from fedexplorer.follow.state import State
from fedexplorer.history.books import FLOWS, SUMS, Books, Purpose
from fedexplorer.history.equation import Equation
from fedexplorer.views.books_rows import Row, Sums, held_at, row_of, sums_of
from fedexplorer.views.flow_diagram import BOXES, Arrow, Box, arrows
from fedexplorer.views.site import Site
from fedexplorer.views.stacked import Stacked, stacked
from fedexplorer.views.view import Csv, Hex, Model, View

LARGEST = 2**53  # of a number in a request, which JavaScript can write too
POINTS = 240  # of the chart
MOST_UNASKED = 50
STACK = ("burned", "stakes", "bonds", "owed", "reserved", "pool")  # in the chart, the lowest first


class Flowed(Model):
    """All that events of one name have moved from one sum to another."""

    event: str
    source: str
    target: str
    count: int
    amount: int


class Sent(Model):
    """What a transaction sent to the coordinator without being asked; below zero, what left it so."""

    time: int
    block: int
    tx: Hex
    peer: str
    amount: int


class Point(Model):
    """A moment of the chart."""

    time: int
    sums: Sums
    held: int | None


class MoneyPage(Model):
    """The money at block `block`.

    `sums` are by the coordinator's log, `lens` by its storage. `held` is what the token says that the coordinator has,
    `by_transfers` the same by the token's log. The equation was checked after `checked` blocks, and failed after those
    in `deficits`; `obstacle` says why it was checked after none. `rows` are those of blocks that moved money, from
    `first` on (counted from 0) of `count`, the newest first.
    """

    token: str
    symbol: str
    decimals: int
    block: int
    time: int
    blocks: int
    checked: int
    obstacle: str
    sums: Sums
    lens: Sums | None
    held: int | None
    by_transfers: int | None
    transfers: int
    deficits: tuple[Row, ...]
    deficit_count: int
    unasked: tuple[Sent, ...]
    unasked_count: int
    flows: tuple[Flowed, ...]
    points: tuple[Point, ...]
    first: int
    shown: int
    count: int
    rows: tuple[Row, ...]
    _state: State = PrivateAttr()

    @property
    def chart(self) -> Stacked | None:
        """The sums over time, one on top of the other, and the token's balance as a line."""
        series = [(name, [getattr(point.sums, name) for point in self.points]) for name in STACK]
        return stacked([point.time for point in self.points], series, [point.held for point in self.points], self.time)

    @property
    def boxes(self) -> tuple[Box, ...]:
        """The places that money is in."""
        return BOXES

    @property
    def diagram(self) -> tuple[Arrow, ...]:
        """What flowed where, as arrows."""
        return arrows([(Purpose(flow.source), Purpose(flow.target), flow.amount) for flow in self.flows])

    @property
    def surplus(self) -> int | None:
        """What the token says that the coordinator has, beyond the six sums."""
        return None if self.held is None else self.held - self.sums.total

    @property
    def adds_up(self) -> bool:
        """Whether nothing that was compared says otherwise."""
        wrong = self.deficit_count or (self.surplus or 0) < 0 or self.lens not in (None, self.sums)
        return not wrong and min(self.sums.model_dump().values()) >= 0


def build(
    site: Site,
    first: Annotated[int, Query(ge=0, le=LARGEST)] = 0,
    shown: Annotated[int, Query(ge=1, le=500)] = 50,
) -> MoneyPage:
    """The money: the books over time, what flowed where, and the balance equation checked after every block."""
    state, money = site.state, site.state.money
    books, equation = money.books, money.equation
    moved = books.moved[::-1][first : first + shown]
    page = MoneyPage(
        token=state.federation.config.token,
        symbol=state.federation.amounts.symbol,
        decimals=state.federation.amounts.decimals,
        block=money.block,
        time=books.statements[-1].time if books.statements else state.now,
        blocks=len(books.statements),
        checked=len(equation.checks) if not money.obstacle else 0,
        obstacle=money.obstacle,
        sums=sums_of(books.balances),
        lens=None if money.lens is None else sums_of(money.lens),
        held=money.held,
        by_transfers=None if money.problem else money.by_transfers,
        transfers=len(money.transfers),
        deficits=tuple(
            row_of(state, check.statement, check.held) for check in reversed(equation.deficits[-MOST_UNASKED:])
        ),
        deficit_count=len(equation.deficits),
        unasked=tuple(
            Sent(time=u.transfer.time, block=u.transfer.block, tx=u.transfer.tx, peer=u.transfer.peer, amount=u.amount)
            for u in reversed(equation.unasked[-MOST_UNASKED:])
        ),
        unasked_count=len(equation.unasked),
        flows=tuple(
            Flowed(event=f.event, source=f.source, target=f.target, count=total.count, amount=total.amount)
            for f, total in zip(FLOWS, books.totals, strict=True)
        ),
        points=tuple(_points(books, equation)),
        first=first,
        shown=shown,
        count=len(books.moved),
        rows=tuple(row_of(state, books.statements[at], held_at(equation, at)) for at in moved),
    )
    page._state = state
    return page


def _points(books: Books, equation: Equation) -> Iterator[Point]:
    """At most POINTS of the statements that moved money, evenly, with the first and the last."""
    count = len(books.moved)
    places = range(count) if count <= POINTS else [i * (count - 1) // (POINTS - 1) for i in range(POINTS)]
    for place in places:
        at = books.moved[place]
        statement = books.statements[at]
        yield Point(time=statement.time, sums=sums_of(statement.balances), held=held_at(equation, at))


def _books(page: MoneyPage) -> Csv:
    """Every block that moved money, the newest first."""
    books, equation = page._state.money.books, page._state.money.equation

    def rows() -> Iterator[list[Any]]:
        for at in reversed(books.moved):
            statement, held = books.statements[at], held_at(equation, at)
            total = statement.balances.total
            surplus = None if held is None else held - total
            sums = [getattr(statement.balances, purpose) for purpose in SUMS]
            yield [statement.time, statement.block, *sums, total, held, surplus]

    return Csv(("time", "block", *SUMS, "total", "token_balance", "surplus"), rows())


def _flows(page: MoneyPage) -> Csv:
    names = ("event", "source", "target", "count", "amount")
    return Csv(names, ([getattr(flow, name) for name in names] for flow in page.flows))


MONEY = View("money", "/money", build, tables={"": _books, "flows": _flows})

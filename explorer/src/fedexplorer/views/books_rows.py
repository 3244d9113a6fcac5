"""The books after a block as tables show them: the six sums, what moved, and whether it adds up."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from fedprotocol.types import Balances

from fedexplorer.follow.state import State
from fedexplorer.history.books import SUMS, Statement
from fedexplorer.history.equation import Equation
from fedexplorer.views.view import Hex, Model


class Sums(Model):
    """The six sums, in token units."""

    stakes: int
    bonds: int
    owed: int
    reserved: int
    pool: int
    burned: int

    @property
    def total(self) -> int:
        """All of them together."""
        return self.stakes + self.bonds + self.owed + self.reserved + self.pool + self.burned


class Moved(Model):
    """What an event has moved from one sum to another; `outside` is all that the coordinator does not hold. `account`
    is whom the event names, and `round` the round that it is about."""

    event: str
    account: str | None
    round: int | None
    source: str
    target: str
    amount: int
    tx: Hex


class Row(Model):
    """The books after a block. `held` is the balance by the token's log, None where that cannot be followed; `surplus`
    is what it has beyond the six sums."""

    time: int
    block: int
    moved: tuple[Moved, ...]
    sums: Sums
    total: int
    held: int | None
    surplus: int | None

    @property
    def by_event(self) -> list[list[Moved]]:
        """What moved, by event."""
        return [list(moves) for _, moves in groupby(self.moved, lambda m: (m.event, m.account, m.round, m.tx))]

    @property
    def changed(self) -> set[str]:
        """The sums that moved."""
        return {name for move in self.moved for name in (move.source, move.target)}


def sums_of(balances: Balances) -> Sums:
    """The model of the sums."""
    return Sums(**{purpose: getattr(balances, purpose) for purpose in SUMS})


def held_at(equation: Equation, at: int) -> int | None:
    """The balance by the token's log after a statement; None if that is not known."""
    return equation.checks[at].held if at < len(equation.checks) else None


def row_of(state: State, statement: Statement, held: int | None) -> Row:
    """The row of a statement."""
    total = statement.balances.total
    return Row(
        time=statement.time,
        block=statement.block,
        moved=tuple(_moved(state, statement.block)),
        sums=sums_of(statement.balances),
        total=total,
        held=held,
        surplus=None if held is None else held - total,
    )


def _moved(state: State, block: int) -> Iterator[Moved]:
    for event in state.log.of_block(block):
        named = [value for value in event.args.values() if isinstance(value, str)]
        for move in state.money.books.moves(event):
            yield Moved(
                event=event.name,
                account=named[0] if named else None,
                round=event.args.get("round"),
                source=move.source,
                target=move.target,
                amount=move.amount,
                tx=event.tx_hash,
            )

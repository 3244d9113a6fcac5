"""The balance equation: what the token says the coordinator holds, and what the coordinator's log says it is for.

Two contracts write the two sides: the token's own Transfer events give the balance, the coordinator's events the six
sums (`contracts/coordinator/Ledger.sol`: token balance == stakes + bonds + owed + reserved + pool + burned). A surplus
is what somebody sent to the coordinator unasked. A deficit must not be.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from fedprotocol.chain.read.events import Event

from fedexplorer.history.books import Books, Purpose, Statement


@dataclass(frozen=True, slots=True)
class Transfer:
    """A transfer of tokens to the coordinator or, below zero, from it."""

    block: int
    block_hash: bytes
    tx: bytes
    log_index: int
    time: int
    peer: str  # who paid, or was paid
    amount: int


@dataclass(frozen=True, slots=True)
class Check:
    """The equation after one block. `held` is the balance by the transfers up to it."""

    statement: Statement
    held: int

    @property
    def surplus(self) -> int:
        """What the token balance has beyond the six sums; below zero, what it lacks."""
        return self.held - self.statement.balances.total


@dataclass(frozen=True, slots=True)
class Unasked:
    """What a transaction sent beyond what the coordinator asked for; below zero, what it took."""

    transfer: Transfer  # its first
    amount: int


@dataclass(frozen=True, slots=True)
class Equation:
    """The equation after every block with an event.

    Args:
        checks: one for each statement of the books.
        deficits: those that fail.
        transfers: what they were made from.
    """

    checks: tuple[Check, ...] = ()
    deficits: tuple[Check, ...] = ()
    unasked: tuple[Unasked, ...] = ()
    transfers: tuple[Transfer, ...] = ()

    def follow(
        self, books: Books, transfers: tuple[Transfer, ...], events_of: Callable[[bytes], Sequence[Event]]
    ) -> Equation:
        """The equation of these books and transfers, which go on from where this one ends, or begin anew. `events_of`
        gives the coordinator's events of a transaction. Neither side may be ahead of the other by a block with events.
        """
        before = self if self._is_beginning(books, transfers) else Equation()
        checks = (*before.checks, *_checks(before, books, transfers))
        failed = (check for check in checks[len(before.checks) :] if check.surplus < 0)
        added = _unasked(books, transfers[len(before.transfers) :], events_of)
        return Equation(checks, (*before.deficits, *failed), (*before.unasked, *added), transfers)

    def _is_beginning(self, books: Books, transfers: tuple[Transfer, ...]) -> bool:
        """Whether the chain that these checks were made on is still there."""
        known, sent = len(self.checks), len(self.transfers)
        if known > len(books.statements) or sent > len(transfers):
            return False
        if known and self.checks[-1].statement != books.statements[known - 1]:
            return False
        return not sent or self.transfers[-1] == transfers[sent - 1]


def _checks(before: Equation, books: Books, transfers: Sequence[Transfer]) -> Iterator[Check]:
    held, taken = 0, 0
    if before.checks:
        last = before.checks[-1]
        held, taken = last.held, bisect_right(transfers, last.statement.block, key=lambda transfer: transfer.block)
    for statement in books.statements[len(before.checks) :]:
        while taken < len(transfers) and transfers[taken].block <= statement.block:
            held += transfers[taken].amount
            taken += 1
        yield Check(statement, held)


def _unasked(
    books: Books, transfers: Sequence[Transfer], events_of: Callable[[bytes], Sequence[Event]]
) -> Iterator[Unasked]:
    """The transactions whose transfers are not what the coordinator's events of the same transaction say, in order."""
    for tx, group in groupby(transfers, lambda transfer: transfer.tx):
        sent = list(group)
        moves = [move for event in events_of(tx) for move in books.moves(event)]
        asked = sum(m.amount for m in moves if m.source is Purpose.OUTSIDE)
        asked -= sum(m.amount for m in moves if m.target is Purpose.OUTSIDE)
        amount = sum(transfer.amount for transfer in sent) - asked
        if amount:
            yield Unasked(sent[0], amount)

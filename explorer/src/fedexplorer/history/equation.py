"""The balance equation: what the token says the coordinator holds, and what the coordinator's log says it is for.

Two contracts write the two sides: the token's own Transfer events give the balance, the coordinator's events the six
sums (`contracts/coordinator/Ledger.sol`: token balance == stakes + bonds + owed + reserved + pool + burned). A surplus
is what somebody sent to the coordinator unasked. A deficit must not be.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
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


def compare(books: Books, transfers: Sequence[Transfer]) -> tuple[Check, ...]:
    """A check for each statement of the books. `transfers`: all up to their end, in the order of the log."""
    checks = []
    held = taken = 0
    for statement in books.statements:
        while taken < len(transfers) and transfers[taken].block <= statement.block:
            held += transfers[taken].amount
            taken += 1
        checks.append(Check(statement, held))
    return tuple(checks)


@dataclass(frozen=True, slots=True)
class Unasked:
    """What a transaction sent beyond what the coordinator asked for: a part of the surplus."""

    transfer: Transfer  # its first
    amount: int


def unasked(
    books: Books, transfers: Sequence[Transfer], events_of: Callable[[bytes], Sequence[Event]]
) -> tuple[Unasked, ...]:
    """The transactions whose transfers are not what the coordinator's events of the same transaction say, in order.
    `events_of` gives these events."""
    found = []
    for tx, group in groupby(transfers, lambda transfer: transfer.tx):
        sent = list(group)
        moves = [move for event in events_of(tx) for move in books.moves(event)]
        asked = sum(m.amount for m in moves if m.source is Purpose.OUTSIDE)
        asked -= sum(m.amount for m in moves if m.target is Purpose.OUTSIDE)
        amount = sum(transfer.amount for transfer in sent) - asked
        if amount:
            found.append(Unasked(sent[0], amount))
    return tuple(found)

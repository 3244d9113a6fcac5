"""What the coordinator's tokens are for, after every block with an event: the six sums of `Balances`, added up from the
log alone. Amounts are in token units.

Which event moves what is `contracts/coordinator/` in a table: Seats.sol (Joined, StakeAdded, Withdrawn, Claimed,
Funded, Closed), Rounds.sol (RoundOpened), Proposals.sol (Proposed, Convicted), Ledger.sol (the others).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from enum import StrEnum
from itertools import groupby

from fedprotocol.chain.read.events import Event
from fedprotocol.types import Balances

from fedexplorer.history.log import Log


class Purpose(StrEnum):
    """What tokens are for, by the six sums of `Balances`; OUTSIDE are all that the coordinator does not hold."""

    OUTSIDE = "outside"
    STAKES = "stakes"
    BONDS = "bonds"
    OWED = "owed"
    RESERVED = "reserved"
    POOL = "pool"
    BURNED = "burned"


@dataclass(frozen=True, slots=True)
class Flow:
    """Events of this name move the amount in `argument` from one sum to another. An empty argument stands for what
    the other flow of the event leaves of a convicted proposal's bond."""

    event: str
    argument: str
    source: Purpose
    target: Purpose


REST = ""

FLOWS = (
    Flow("Joined", "stake", Purpose.OUTSIDE, Purpose.STAKES),
    Flow("StakeAdded", "amount", Purpose.OUTSIDE, Purpose.STAKES),
    Flow("Penalized", "amount", Purpose.STAKES, Purpose.BURNED),
    Flow("Withdrawn", "stake", Purpose.STAKES, Purpose.OUTSIDE),
    Flow("Proposed", "bond", Purpose.OUTSIDE, Purpose.BONDS),
    Flow("BondReturned", "amount", Purpose.BONDS, Purpose.OWED),
    Flow("Convicted", "bounty", Purpose.BONDS, Purpose.OWED),
    Flow("Convicted", REST, Purpose.BONDS, Purpose.BURNED),
    Flow("Funded", "amount", Purpose.OUTSIDE, Purpose.POOL),
    Flow("RoundOpened", "reserved", Purpose.POOL, Purpose.RESERVED),
    Flow("RoundFinalized", "aggregator_reward", Purpose.RESERVED, Purpose.OWED),
    Flow("RoundFinalized", "client_rewards", Purpose.RESERVED, Purpose.OWED),
    Flow("RoundFinalized", "returned_to_pool", Purpose.RESERVED, Purpose.POOL),
    Flow("RoundVoided", "returned_to_pool", Purpose.RESERVED, Purpose.POOL),
    Flow("Closed", "returned_to_sponsor", Purpose.POOL, Purpose.OWED),
    Flow("Claimed", "amount", Purpose.OWED, Purpose.OUTSIDE),
)

_FLOWS_OF = {flow.event: [i for i, other in enumerate(FLOWS) if other.event == flow.event] for flow in FLOWS}
SUMS = tuple(Purpose(f.name) for f in fields(Balances))
EMPTY = Balances(*(0 for _ in SUMS))


@dataclass(frozen=True, slots=True)
class Move:
    """What one event has moved."""

    event: Event
    source: Purpose
    target: Purpose
    amount: int


@dataclass(frozen=True, slots=True)
class Statement:
    """The books after the last event of a block. `events` counts the events up to there, this block's included."""

    block: int
    block_hash: bytes
    time: int
    balances: Balances
    events: int


@dataclass(frozen=True, slots=True)
class Total:
    """What all events of one flow have moved together."""

    count: int = 0
    amount: int = 0


@dataclass(frozen=True, slots=True)
class Books:
    """A statement for every block with an event, in order. The log must be whole: without the events before the first
    round the sums would be wrong.

    Args:
        moved: the places of the statements that differ from the one before.
        totals: for each of FLOWS.
        bonds: of every proposal, by its round and root.
    """

    statements: tuple[Statement, ...] = ()
    moved: tuple[int, ...] = ()
    totals: tuple[Total, ...] = (Total(),) * len(FLOWS)
    bonds: Mapping[tuple[int, bytes], int] = field(default_factory=dict)

    @property
    def balances(self) -> Balances:
        """The newest."""
        return self.statements[-1].balances if self.statements else EMPTY

    def follow(self, log: Log) -> Books:
        """The books of the whole log, which goes on from these. After a re-org it is read from the beginning."""
        done = self.statements[-1].events if self.statements else 0
        if done > len(log) or (done and log[done - 1].block_hash != self.statements[-1].block_hash):
            return Books().follow(log)
        return self if done == len(log) else _extended(self, log[done:])

    def moves(self, event: Event) -> tuple[Move, ...]:
        """What one event of this log has moved; nothing, for most."""
        return tuple(Move(event, FLOWS[i].source, FLOWS[i].target, amount) for i, amount in _moves(event, self.bonds))


def _extended(books: Books, events: Sequence[Event]) -> Books:
    balances, number = books.balances, books.statements[-1].events if books.statements else 0
    sums = {purpose: getattr(balances, purpose) for purpose in SUMS} | {Purpose.OUTSIDE: 0}
    totals = [(total.count, total.amount) for total in books.totals]
    bonds, statements, moved = dict(books.bonds), list(books.statements), list(books.moved)
    for _, block in groupby(events, lambda event: event.block):
        for event in block:
            number += 1
            if event.name == "Proposed":
                bonds[_key(event)] = event.args["bond"]
            for i, amount in _moves(event, bonds):
                sums[FLOWS[i].source] -= amount
                sums[FLOWS[i].target] += amount
                totals[i] = totals[i][0] + 1, totals[i][1] + amount
        after = Balances(*(sums[purpose] for purpose in SUMS))
        if after != balances:
            balances = after
            moved.append(len(statements))
        statements.append(Statement(event.block, event.block_hash, event.time, balances, number))
    return Books(tuple(statements), tuple(moved), tuple(Total(*total) for total in totals), bonds)


def _moves(event: Event, bonds: Mapping[tuple[int, bytes], int]) -> Iterator[tuple[int, int]]:
    """The places of its flows in FLOWS, each with the amount."""
    for i in _FLOWS_OF.get(event.name, ()):
        argument = FLOWS[i].argument
        if argument == REST:
            bounty = event.args["bounty"]
            # A log without the proposal is not whole: the sums are wrong, and the comparison with the lens shows it.
            yield i, bonds.get(_key(event), bounty) - bounty
        else:
            yield i, event.args[argument]


def _key(event: Event) -> tuple[int, bytes]:
    """The proposal that a Proposed or Convicted is about."""
    return event.args["round"], event.args["root"]

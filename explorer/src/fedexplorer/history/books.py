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

_FLOWS_OF = {name: tuple(flows) for name, flows in groupby(FLOWS, lambda flow: flow.event)}
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
class Books:
    """A statement for every block with an event, in order. The log must be whole: without the events before the first
    round the sums would be wrong."""

    statements: tuple[Statement, ...] = ()
    bonds: Mapping[tuple[int, bytes], int] = field(default_factory=dict)  # of every proposal, by round and root

    @property
    def balances(self) -> Balances:
        """The newest."""
        return self.statements[-1].balances if self.statements else EMPTY

    def follow(self, events: Log) -> Books:
        """The books of the whole log. After a re-org only what both logs have is kept."""
        kept = _kept(self.statements, events)
        done = self.statements[kept - 1].events if kept else 0
        if kept == len(self.statements) and done == len(events):
            return self
        return _extended(self.statements[:kept], dict(self.bonds), events)

    def moves(self, event: Event) -> tuple[Move, ...]:
        """What one event of this log has moved; nothing, for most."""
        return tuple(_moves(event, self.bonds))


def _extended(statements: tuple[Statement, ...], bonds: dict[tuple[int, bytes], int], events: Log) -> Books:
    start = statements[-1].events if statements else 0
    balances = statements[-1].balances if statements else EMPTY
    added: list[Statement] = []
    sums = {purpose: getattr(balances, purpose) for purpose in SUMS} | {Purpose.OUTSIDE: 0}
    number = start
    for _, block in groupby(events[start:], lambda event: event.block):
        changed = False
        for event in block:
            number += 1
            if event.name == "Proposed":
                bonds[_key(event)] = event.args["bond"]
            for move in _moves(event, bonds):
                changed = True
                sums[move.source] -= move.amount
                sums[move.target] += move.amount
        if changed:
            balances = Balances(*(sums[purpose] for purpose in SUMS))
        added.append(Statement(event.block, event.block_hash, event.time, balances, number))
    return Books((*statements, *added), bonds)


def _kept(statements: Sequence[Statement], events: Log) -> int:
    """How many of the statements are about blocks that the log still has."""
    for count in range(len(statements), 0, -1):
        last = statements[count - 1]
        if last.events <= len(events) and events[last.events - 1].block_hash == last.block_hash:
            return count
    return 0


def _moves(event: Event, bonds: Mapping[tuple[int, bytes], int]) -> Iterator[Move]:
    for flow in _FLOWS_OF.get(event.name, ()):
        if flow.argument == REST:
            bounty = event.args["bounty"]
            # A log without the proposal is not whole: the sums are wrong, and the comparison with the lens shows it.
            amount = bonds.get(_key(event), bounty) - bounty
        else:
            amount = event.args[flow.argument]
        yield Move(event, flow.source, flow.target, amount)


def _key(event: Event) -> tuple[int, bytes]:
    """The proposal that a Proposed or Convicted is about."""
    return event.args["round"], event.args["root"]

"""The things an aggregator can do next, as values: `decide` chooses one, the loop performs it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from fedprotocol.types import Proposal


@dataclass(frozen=True)
class Approve:
    """Let the coordinator take the bond."""

    round: int
    amount: int


@dataclass(frozen=True)
class ProposePage:
    """Send one page of our global's leaf digests."""

    round: int
    page: int


@dataclass(frozen=True)
class Challenge:
    """Send the next call of the proof against a live proposal."""

    round: int
    proposal: Proposal


@dataclass(frozen=True)
class Impeach:
    """Send the next call that makes a masked round void, because the sum of its updates is garbage."""

    round: int


@dataclass(frozen=True)
class Claim:
    """Take what is owed: our share, bonds, bounties. The same call also settles what is due."""

    settled: frozenset[int]  # rounds in which we proposed and that are over


@dataclass(frozen=True)
class Resume:
    """Follow up the transactions that an earlier run left open."""


@dataclass(frozen=True)
class Announce:
    """Say in the peer directory where our content is served: `text`, a place in a line; empty: nowhere."""

    text: str


@dataclass(frozen=True)
class Merge:
    """Fetch the accepted updates, compute the next global, publish it in the store. `inputs`: the hash of the round's
    inputs."""

    round: int
    inputs: str


@dataclass(frozen=True)
class Report:
    """A live proposal differs from our own global: find its first wrong leaf and say so."""

    round: int
    proposal: Proposal


@dataclass(frozen=True)
class BuildCase:
    """Make the proof that a live proposal is wrong, and simulate it."""

    round: int
    proposal: Proposal


@dataclass(frozen=True)
class Release:
    """Unpin the inputs and the global of a round that this program will no longer dispute or audit."""

    round: int


@dataclass(frozen=True)
class Interrupt:
    """Stop background work that is no longer needed, or that keeps other work waiting for too long."""

    work: Work


@dataclass(frozen=True)
class Wait:
    """Nothing to do. `until` is a chain time, or None if there is no deadline. `problem` is something that needs a
    person."""

    reason: str
    until: int | None = None
    problem: bool = False


@dataclass(frozen=True)
class Done:
    """The federation opens no further round, and we have collected everything that is ours."""

    reason: str


# Transactions: one after the other, in the loop itself.
Sent = Approve | ProposePage | Challenge | Impeach | Claim | Resume | Announce
Work = Merge | Report | BuildCase | Release  # in the background, one at a time in each lane
Action = Sent | Work | Interrupt | Wait | Done


class Lane(Enum):
    """Groups of background work. Within a lane, one piece of work waits for the other."""

    INPUTS = auto()
    DISPUTES = auto()
    TIDYING = auto()


def lane(work: Work) -> Lane:
    match work:
        case Merge():
            return Lane.INPUTS
        case Report() | BuildCase():
            return Lane.DISPUTES
        case Release():
            return Lane.TIDYING


def describe(action: Action) -> str:
    """What is done, or waited for, as people read it."""
    match action:
        case Merge(number):
            return f"round {number}: fetching and merging the accepted updates"
        case Report(number, proposal):
            return f"round {number}: a proposal by {proposal.proposer} is not our global, finding the wrong leaf"
        case BuildCase(number, proposal):
            return f"round {number}: building the proof against the proposal of {proposal.proposer}"
        case Challenge(number, proposal):
            return f"round {number}: challenging the proposal of {proposal.proposer}"
        case Impeach(number):
            return f"round {number}: impeaching it, the sum of its updates is garbage"
        case Approve(number, _):
            return f"round {number}: letting the coordinator take the bond"
        case ProposePage(number, page):
            return f"round {number}: proposing, page {page}"
        case Claim(_):
            return "claiming what is owed"
        case Resume():
            return "following up what an earlier run sent"
        case Announce():
            return "announcing where its content is served"
        case Release(number):
            return f"round {number}: releasing its content"
        case Interrupt(work):
            return f"stopping: {describe(work)}"
        case Wait(reason) | Done(reason):
            return reason

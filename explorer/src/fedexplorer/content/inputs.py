"""What a round's global follows from, taken from its history."""

from __future__ import annotations

from dataclasses import dataclass

from fedprotocol.types import ZERO

from fedexplorer.content.told import Told
from fedexplorer.history.records import RoundHistory


class NothingToRecompute(Told):
    """The round has no global that could be computed. The message says why."""


@dataclass(frozen=True)
class Given:
    """One accepted update, as the chain has it."""

    index: int
    client: str
    root: bytes
    weight: int
    shift: int


@dataclass(frozen=True)
class Proposed:
    """A completed proposal, convicted or not."""

    proposer: str
    root: bytes


@dataclass(frozen=True)
class RoundInputs:
    """Everything that decides what the right global of a round is, and which globals were proposed. If a re-org changes
    any of it, these are other inputs.

    Args:
        updates: the accepted ones, in the order of their indices.
        proposals: in the order in which they were completed.
    """

    round: int
    prior_root: bytes
    updates: tuple[Given, ...]
    proposals: tuple[Proposed, ...]


def inputs_of(history: RoundHistory) -> RoundInputs:
    """Raises NothingToRecompute while the inputs are not fixed, or if no update was accepted."""
    number = history.number
    if history.prior_root is None or history.prior_root == ZERO:
        raise NothingToRecompute(f"round {number} has no global to start from yet: the round before is not settled")
    if any(update.accepted is None for update in history.updates):
        raise NothingToRecompute(f"which updates round {number} accepts is not decided yet: clients still attest")
    accepted = [update for update in history.updates if update.accepted]
    if not accepted:
        raise NothingToRecompute(f"round {number} accepted no update, so there is nothing to average")
    return RoundInputs(
        round=number,
        prior_root=history.prior_root,
        updates=tuple(Given(u.index, u.client, u.root, u.weight, u.shift) for u in accepted),
        proposals=tuple(Proposed(p.proposer, p.root) for p in history.proposals),
    )

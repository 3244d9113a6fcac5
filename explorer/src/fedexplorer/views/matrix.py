"""Who vouched for whom: everybody by itself where they are few, otherwise those together who voted alike."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from fedexplorer.views.round_rows import Participant, UpdateRow

MOST_COLUMNS = 24  # of a matrix with a cell for each vote
MOST_GROUPS = 24


@dataclass(frozen=True)
class Run:
    """Votes for `count` updates one after the other, from `first` on."""

    first: int
    count: int


@dataclass(frozen=True)
class Group:
    """Attesters with the same votes. `time` is when the first of them voted, `weight` what they hold together."""

    accounts: tuple[str, ...]
    weight: int
    time: int
    bitmap: int
    runs: tuple[Run, ...]

    @property
    def count(self) -> int:
        """How many updates they vouch for."""
        return self.bitmap.bit_count()


@dataclass(frozen=True)
class Matrix:
    """`columns` is the number of updates. The groups stand by weight, the heaviest first, at most MOST_GROUPS;
    `left_out` attesters are in others."""

    columns: int
    is_folded: bool
    groups: tuple[Group, ...]
    left_out: int


def matrix(participants: Sequence[Participant], updates: Sequence[UpdateRow]) -> Matrix:
    """The votes of a round."""
    weights = {update.client: update.weight for update in updates}
    by_account = {p.account: p for p in participants if p.attested is not None}
    voters = [by_account[update.client] for update in updates if update.client in by_account]
    if len(updates) <= MOST_COLUMNS:
        groups = [_group([p], weights) for p in voters]
        return Matrix(len(updates), False, tuple(groups), 0)
    alike: dict[str, list[Participant]] = defaultdict(list)
    for p in voters:
        alike[p.vouches].append(p)
    groups = sorted((_group(found, weights) for found in alike.values()), key=lambda g: (-g.weight, g.time))
    left_out = sum(len(group.accounts) for group in groups[MOST_GROUPS:])
    return Matrix(len(updates), True, tuple(groups[:MOST_GROUPS]), left_out)


def _group(voters: Sequence[Participant], weights: dict[str, int]) -> Group:
    bitmap = int(voters[0].vouches, 16)
    return Group(
        accounts=tuple(p.account for p in voters),
        weight=sum(weights[p.account] for p in voters),
        time=min(p.attested or 0 for p in voters),
        bitmap=bitmap,
        runs=tuple(_runs(bitmap)),
    )


def _runs(bitmap: int) -> list[Run]:
    found, at = [], 0
    while bitmap:
        skipped = (bitmap & -bitmap).bit_length() - 1
        bitmap >>= skipped
        length = (~bitmap & (bitmap + 1)).bit_length() - 1
        found.append(Run(at + skipped, length))
        bitmap >>= length
        at += skipped + length
    return found

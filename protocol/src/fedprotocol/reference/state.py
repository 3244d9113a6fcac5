"""What the machine remembers. Counts and sums that follow from it are computed when asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from fedprotocol.types import ZERO, Proposal, VoidReason

SEATED = 2**32 - 1  # active_until of a client that is neither suspended nor has left
MAX_BOND_SHIFT = 6
CASES_PER_WINDOW = 10  # a proposal's window is longer by one case for each that came before it


@dataclass(frozen=True)
class Event:
    """An event of IFederationCoordinator; argument names in snake_case."""

    name: str
    args: dict[str, Any]


@dataclass
class Account:
    """A seat; `pending` are the rounds it committed in whose consequences are not applied yet, oldest first."""

    stake: int
    active_from: int
    active_until: int = SEATED
    pending: list[int] = field(default_factory=list)
    last_commit: int = 0
    exited: bool = False

    def active_in(self, number: int) -> bool:
        return self.active_from <= number < self.active_until


@dataclass(frozen=True)
class Commit:
    hash: bytes
    prior_root: bytes
    backed: int  # examples that the stake carried


@dataclass
class Submission:
    """A revealed update; `yes` is the weight of those who vouch for it."""

    client: str
    root: bytes
    shift: int
    weight: int
    yes: int
    attested: bool = False


@dataclass
class Draft:
    """A proposal whose pages are still coming in."""

    pages: list[list[bytes]] = field(default_factory=list)
    complete: bool = False


@dataclass
class Round:
    opened_at: int
    train_end: int  # the deadline, or when all active clients had committed
    active: int
    prior_root: bytes | None  # None while the previous round is not settled
    prior_at: int | None  # since when the prior is known
    is_masked: bool = False  # then all updates are accepted or none: their masks add up to zero over all of them alone
    commits: dict[str, Commit] = field(default_factory=dict)
    updates: list[Submission] = field(default_factory=list)
    inputs_hash: bytes = ZERO  # zero before the first reveal
    reveal_end: int | None = None  # when all matching committers had revealed; None: by the clock
    attest_end: int | None = None  # when all revealers had attested; None: by the clock
    live: list[Proposal] = field(default_factory=list)  # oldest first; the first one of a final round won
    proposed: set[bytes] = field(default_factory=set)  # roots, convicted ones too
    drafts: dict[str, Draft] = field(default_factory=dict)
    convicted_at: int = 0  # time of the last conviction
    settled_at: int | None = None
    void_reason: VoidReason = VoidReason.NONE  # a settled round without one is final

    @property
    def total_weight(self) -> int:
        """W: the weight of all revealed updates."""
        return sum(u.weight for u in self.updates)

    @property
    def accepted(self) -> list[bool]:
        """The indices of the updates for which two thirds of the revealed weight vouch; none if these updates hold less
        than two thirds of it, or are masked and not all there are. Only meaningful once Attest is over.
        """
        needed = 2 * self.total_weight
        vouched = [3 * u.yes >= needed for u in self.updates]
        weight = sum(u.weight for u, is_vouched in zip(self.updates, vouched, strict=True) if is_vouched)
        has_enough = all(vouched) if self.is_masked else 3 * weight >= needed
        return vouched if has_enough else [False] * len(vouched)

    def naming(self, root: bytes | None) -> int:
        """Commits that name `root` as their prior."""
        return sum(c.prior_root == root for c in self.commits.values())

    def backing(self, root: bytes | None) -> int:
        """How many examples the commits that name `root` back together."""
        return sum(c.backed for c in self.commits.values() if c.prior_root == root)

    @property
    def convicted(self) -> int:
        return len(self.proposed) - len(self.live)

    def index_of(self, client: str) -> int | None:
        return next((i for i, u in enumerate(self.updates) if u.client == client), None)

    def weight_of(self, client: str) -> int:
        index = self.index_of(client)
        return 0 if index is None else self.updates[index].weight

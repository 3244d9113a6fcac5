"""What the log says about a round, in the words of the pages: accounts are checksummed addresses, money is in token
units, times are the chain's, in seconds since 1970."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from fedprotocol.chain.read.events import Event
from fedprotocol.losses import MICRO, told
from fedprotocol.types import PenaltyReason, Phase, VoidReason


@dataclass(frozen=True, slots=True)
class Place:
    """Where an event stands on the chain, and when."""

    time: int
    block: int
    tx: bytes
    log_index: int


def place(event: Event) -> Place:
    """Where an event stands."""
    return Place(event.time, event.block, event.tx_hash, event.log_index)


@dataclass(frozen=True, slots=True)
class Span:
    """A phase of a round, open for start <= t < end. `end` is None while nothing has ended it, and where no clock
    does."""

    phase: Phase
    start: int
    end: int | None


@dataclass(frozen=True, slots=True)
class Commit:
    """The commitment that counted last. `matches`: it names the round's prior; None while that is unknown."""

    client: str
    prior_root: bytes
    hash: bytes
    place: Place
    matches: bool | None
    replaced: int  # earlier commitments of this client in the round


@dataclass(frozen=True, slots=True)
class Update:
    """A revealed update. `yes` is the weight that vouches for it, its own client included."""

    index: int
    client: str
    root: bytes
    shift: int
    examples: int  # as the client says
    weight: int
    loss_before: int  # units of 1e-6, as the client says, if they are `told`
    loss_after: int
    place: Place
    yes: int
    accepted: bool | None  # None until Attest is over


@dataclass(frozen=True, slots=True)
class Vote:
    """What one client vouches for: bit i of `bitmap` is update i."""

    client: str
    bitmap: int
    place: Place


class Standing(StrEnum):
    """What has become of a proposal."""

    LIVE = "live"
    FINAL = "final"
    CONVICTED = "convicted"
    LOST = "not needed"  # the round was settled with another one, or is void


@dataclass(frozen=True, slots=True)
class Conviction:
    """A proposal was proved wrong: `bounty` went to the challenger, `burned` to nobody."""

    challenger: str
    bounty: int
    burned: int
    place: Place


@dataclass(frozen=True, slots=True)
class Proposal:
    """A completed proposal."""

    proposer: str
    root: bytes
    bond: int
    window_end: int
    pages: int
    place: Place
    standing: Standing
    conviction: Conviction | None
    returned: Place | None  # where the bond was credited to its proposer


@dataclass(frozen=True, slots=True)
class Payment:
    """A share of a round's reward. `credited`: where the contract wrote it to the account; None while it is only
    due."""

    account: str
    amount: int
    is_aggregator: bool
    credited: Place | None


@dataclass(frozen=True, slots=True)
class Penalty:
    """What a client loses by its behaviour in a round. `applied`: where the contract took it from the stake; None while
    it is only due."""

    client: str
    amount: int
    reason: PenaltyReason
    applied: Place | None


@dataclass(frozen=True, slots=True)
class RoundHistory:
    """One round. `phases` are in order; the last one is the settled one, or the one that is going on now.

    Args:
        prior_root: the global that the round starts from; None while the round before is not settled, or if it was void
            before this one had begun.
        root_after: the last final global once the round is settled, from which the next one starts; None before.
        settled_at: when the rules decided the round; `settled`: where that was written down, which may be later.
        payments: of a final round; together with `returned_to_pool` they are the whole reserve.
    """

    number: int
    opened: Place
    active: int
    reserved: int
    train_end: int
    phases: tuple[Span, ...]
    prior_root: bytes | None
    root_after: bytes | None
    commits: tuple[Commit, ...]
    updates: tuple[Update, ...]
    votes: tuple[Vote, ...]
    proposals: tuple[Proposal, ...]
    total_weight: int  # of all revealed updates
    global_root: bytes | None
    aggregator: str | None
    void_reason: VoidReason
    settled_at: int | None
    settled: Place | None
    aggregator_reward: int
    client_rewards: int
    returned_to_pool: int
    payments: tuple[Payment, ...]
    penalties: tuple[Penalty, ...]

    @property
    def is_final(self) -> bool:
        return self.global_root is not None

    @property
    def phase(self) -> Phase:
        """The one that the round is in."""
        return self.phases[-1].phase

    @property
    def mean_losses(self) -> tuple[float, float] | None:
        """The means, by weight, of the losses before and after training that the clients report of their own data; None
        where nobody does."""
        telling = [update for update in self.updates if told(update.loss_before, update.loss_after)]
        weight = sum(update.weight for update in telling)
        if not weight:
            return None
        before = sum(update.weight * update.loss_before for update in telling)
        after = sum(update.weight * update.loss_after for update in telling)
        return before / weight / MICRO, after / weight / MICRO

    @property
    def convicted(self) -> int:
        """How many proposals were proved wrong."""
        return sum(proposal.conviction is not None for proposal in self.proposals)

"""The structs and enums of IFederationCoordinator: addresses checksummed, bytes32 as bytes, money in token units,
times in seconds since 1970 (the chain's)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from fedprotocol.errors import FedError

ZERO = bytes(32)  # a root or hash that is not there
MASKED_BITS = 32  # of a value of a masked update
MAX_WEIGHT = 2**20 - 1  # of one update, in examples


class UnknownValue(FedError, ValueError):
    """The contract uses a value for which this version has no name."""


class _Named(IntEnum):
    @classmethod
    def _missing_(cls, value: object) -> None:
        raise UnknownValue(f"the contract reports {cls.__name__} {value}, which this version does not know: update it")


class Phase(_Named):
    NONE = 0
    TRAIN = 1
    WAITING = 2
    REVEAL = 3
    ATTEST = 4
    AGGREGATE = 5
    CHALLENGE = 6
    FINAL = 7
    VOID = 8

    @property
    def settled(self) -> bool:
        return self in (Phase.FINAL, Phase.VOID)


class VoidReason(_Named):
    NONE = 0
    TOO_FEW_COMMITS = 1
    TOO_FEW_REVEALS = 2
    TOO_FEW_ACCEPTED = 3
    ABANDONED = 4
    PRIOR_VOID = 5
    GARBAGE = 6


class PenaltyReason(_Named):
    WRONG_PRIOR = 0
    NOT_REVEALED = 1
    NOT_ATTESTED = 2
    NOT_ACCEPTED = 3


@dataclass(frozen=True)
class FederationConfig:
    """The configuration, which never changes (`Config`)."""

    token: str
    rule: str
    gate: str  # the zero address if the federation is open to all
    disputes: str
    sponsor: str
    spec_digest: bytes
    genesis_root: bytes
    leaf_count: int
    leaf_values: int
    mantissa_bits: int
    max_shift: int
    server_lr: int  # unit 2^-16
    min_clients: int
    max_clients: int
    total_rounds: int
    aggregator_bps: int
    round_reward: int
    min_stake: int
    stake_per_example: int
    penalty: int
    bond_base: int
    train_length: int
    reveal_length: int
    attest_length: int
    challenge_length: int
    min_window: int
    abandon_after: int

    @property
    def is_masked(self) -> bool:
        """Whether updates are masked, so that others see their sum alone (`fedprotocol.masks`)."""
        return self.mantissa_bits == MASKED_BITS


@dataclass(frozen=True)
class Seat:
    """A client's place in the federation."""

    stake: int
    active_from: int  # first round in which it may commit; 0 if it never joined
    active_until: int  # first round in which it may no longer commit; 2^32 - 1 while it is seated
    pending_old: int  # rounds whose consequences are not applied yet; 0 for none
    pending_new: int
    last_commit: int  # the last round in which it committed; 0 for none
    exited: bool

    def active_in(self, round_number: int) -> bool:
        return 0 < self.active_from <= round_number < self.active_until


@dataclass(frozen=True)
class RoundView:
    """The state of a round at the block at which it was read."""

    phase: Phase
    void_reason: VoidReason
    opened_at: int
    phase_start: int
    phase_end: int  # 0 if there is no deadline
    settled_at: int  # 0 while it is not settled
    prior_root: bytes  # zero while the previous round is not settled
    global_root: bytes  # zero unless the round is final
    inputs_hash: bytes
    active: int
    committed: int
    matching: int
    revealed: int
    attested: int
    total_weight: int
    accepted_mask: int
    aggregator: str
    convicted: int
    live: int  # completed proposals that are not convicted

    @property
    def inputs(self) -> str:
        """Everything on which the round's global depends, in one hash. If it changes, there was a re-org."""
        return f"{self.prior_root.hex()}/{self.inputs_hash.hex()}/{self.accepted_mask:x}"


@dataclass(frozen=True)
class Commitment:
    hash: bytes
    prior_root: bytes
    backed: int  # examples that the stake carried when the client committed


@dataclass(frozen=True)
class Update:
    """A revealed update."""

    client: str
    root: bytes
    weight: int
    shift: int
    attested: bool
    yes: int


@dataclass(frozen=True)
class Proposal:
    """A completed proposal that is not convicted."""

    proposer: str
    root: bytes
    bond: int
    completed_at: int
    window_end: int


@dataclass(frozen=True)
class Balances:
    """Token units that the coordinator holds, by what they are for."""

    stakes: int
    bonds: int
    owed: int
    reserved: int
    pool: int
    burned: int

    @property
    def total(self) -> int:
        """The coordinator's own balance of tokens is at least this much."""
        return self.stakes + self.bonds + self.owed + self.reserved + self.pool + self.burned

"""What the node knows besides the chain, as one frozen value: what it remembers, how it is set up, what is underway."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum

from fedprotocol.chain.amounts import UNITS, Amounts
from fedprotocol.chain.read.penalties import Penalty
from fedprotocol.program.backoff import Setback

from fednode.daemon.actions.action import Action, Lane, Work


class UpdateVerdict(StrEnum):
    """What a node found out about one revealed update."""

    GOOD = "good"  # fetched, checked, pinned
    ABSENT = "absent"  # nobody has served it so far; it will be requested again
    BAD = "bad"  # served, and not what the spec requires; this is final


class MaskStep(IntEnum):
    """How far this site's masked update of a round is. Each step is in the journal before the next begins."""

    TRAINED = 0  # it stays here; its key is committed, or will be
    FIXED = 1  # the members of the round are fixed
    MASKED = 2  # its root may be revealed
    SERVED = 3  # others can get it


@dataclass(frozen=True)
class OwnUpdate:
    """The newest update of a round in the journal. `commit_hash`: what its commitment on the chain must be.
    `revealable`: the commitments that any update of the round in the journal can open. `masks`: None if updates are
    public. Before an update is masked, `root` is zero; its commitment is a key, and empty before there is one."""

    prior_root: bytes
    root: bytes
    commit_hash: bytes
    revealable: frozenset[bytes]
    masks: MaskStep | None = None


@dataclass(frozen=True)
class Checked:
    """Verdicts on the input set `inputs_hash`, by index of the update."""

    inputs_hash: bytes
    verdicts: Mapping[int, UpdateVerdict]


@dataclass(frozen=True)
class ProposalVerdict:
    """What comparing a proposal with the round's global as it was computed here, `own_root`, came to. `text` says what
    is wrong, empty if nothing is; `leaf` is the first wrong one, None if that is not known."""

    own_root: bytes
    text: str = ""
    leaf: int | None = None


@dataclass(frozen=True)
class Remembered:
    """What the node has done and found out, most of it from its journal. Roots are 32 bytes."""

    updates: Mapping[int, OwnUpdate] = field(default_factory=dict)
    checked: Mapping[int, Checked] = field(default_factory=dict)
    recomputed: Mapping[int, bytes] = field(default_factory=dict)  # round -> its global as computed here, in the store
    merged: Mapping[int, frozenset[bytes]] = field(default_factory=dict)  # also of inputs that a re-org replaced
    fetched: Mapping[int, bytes] = field(default_factory=dict)  # round -> root of a global fetched, held in the store
    verdicts: Mapping[tuple[int, bytes], ProposalVerdict] = field(default_factory=dict)  # (round, proposed root) -> it
    cases: frozenset[tuple[int, bytes]] = frozenset()  # of the wrong ones, those whose proof is built and simulated
    garbage: frozenset[int] = frozenset()  # rounds whose updates add up to what no honest ones do
    impeachable: frozenset[int] = frozenset()  # of these, the ones of which the proof is ready
    unseen: frozenset[int] = frozenset()  # rounds whose right proposal is live, beyond the snapshot's room
    proposed: frozenset[int] = frozenset()  # rounds in which this node proposed and its bond may still be locked
    penalties: Mapping[int, Penalty] = field(default_factory=dict)  # by round, taken or certain
    topped_up: Mapping[int, int] = field(default_factory=dict)  # round of a penalty -> token units added after it
    has_bounty: bool = False  # a challenge of this node convicted, and the contract may still hold the bounty
    trained: frozenset[int] = frozenset()  # rounds in which this node has an update
    evaluated: Mapping[int, bytes] = field(default_factory=dict)  # round -> root of the global scored last
    solo_trained: frozenset[int] = frozenset()
    solo_evaluated: frozenset[int] = frozenset()
    unerased: frozenset[int] = frozenset()  # rounds of which keys, or what training gave, are still here
    announced: str = ""  # what the peer directory says of this account
    train_seconds: float = 0.0  # how long the last training took; 0: unknown

    def held(self) -> frozenset[bytes]:
        """Roots of the global adapters in the own store."""
        return frozenset(self.recomputed.values()) | frozenset(self.fetched.values())

    def kept(self) -> frozenset[int]:
        """Rounds of which something is in the own store; the genesis does not count, it always stays."""
        return frozenset(self.checked) | self.merged.keys() | self.fetched.keys() - {0}


@dataclass(frozen=True)
class Configured:
    """How the node is set up; times are chain seconds."""

    has_test: bool = False  # there are test data on which globals are scored
    solo: bool = False  # the site's own model is trained too
    solo_test: bool = False  # and scored
    auto_claim: bool = False  # money is collected at the end
    wanted_stake: int = 0  # token units up to which a penalty is made up for
    top_up: int = 0  # token units that the node may add to its stake, all together
    keep_rounds: int = 8  # settled rounds whose updates and prior stay in the own store
    propose_after: int = 120  # seconds that a round may be in Aggregate without a live proposal
    challenge_after: int = 0  # seconds that a wrong proposal is left to other challengers
    attest_margin: int = 60  # seconds before the end of Attest at which absent updates are given up at the latest
    announcement: str | None = None  # what the peer directory should say of this account; None: whatever it says
    amounts: Amounts = UNITS  # how money is written
    forbidden: str = ""  # why the site's policy lets nothing leave now; empty: it does
    alone: str = ""  # why no masked round is begun: too few of the site's own peers could take part in it


@dataclass(frozen=True)
class Underway:
    """What the loop has started, and what rests for a while."""

    running: frozenset[Work] = frozenset()  # work in the background
    stopped: frozenset[Work] = frozenset()  # of that, what was told to stop and has not ended yet
    overdue: frozenset[Work] = frozenset()  # of that, what has had its lane for long
    paused: frozenset[Action] = frozenset()  # tried a moment ago, and left alone for a while
    failing: Mapping[Action, Setback] = field(default_factory=dict)  # of these, what could not be done

    def occupying(self) -> frozenset[Work]:
        """The work that keeps its lane busy. Work that was told to stop and hangs does not count, except for the model,
        of which there is only one."""
        return frozenset(work for work in self.running if work not in self.stopped or work.lane is Lane.MODEL)


@dataclass(frozen=True)
class Facts:
    """Everything that `decide` may know in addition to the snapshot."""

    remembered: Remembered = field(default_factory=Remembered)
    configured: Configured = field(default_factory=Configured)
    underway: Underway = field(default_factory=Underway)
    failure: str = ""  # why the model cannot be used at all

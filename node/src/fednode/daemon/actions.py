"""The things a node can do next, as values: `decide` chooses one, the loop performs it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from fednode.daemon.cause import Cause


@dataclass(frozen=True)
class Wait:
    """Nothing to do: `what` the node waits for, `until` which chain time (0: no deadline), and what it does `then`.

    Of a `cause` WORK, `what` is that work.
    """

    cause: Cause
    what: str
    until: int
    then: str


@dataclass(frozen=True)
class Finish:
    """Leave the loop; `failure` says that it is not a success."""

    reason: str
    failure: bool = False


@dataclass(frozen=True)
class Commit:
    """Send the hash of the journalled update."""

    round: int


@dataclass(frozen=True)
class Reveal:
    """Publish the journalled update in the store, then open the commitment."""

    round: int


@dataclass(frozen=True)
class Attest:
    """Vouch for the updates in `bitmap`, of the input set `inputs_hash`."""

    round: int
    inputs_hash: bytes
    bitmap: int


@dataclass(frozen=True)
class CheckInputs:
    """Fetch and check the revealed updates that have no final verdict yet."""

    round: int
    inputs_hash: bytes


@dataclass(frozen=True)
class Recompute:
    """Merge the accepted updates into the next global adapter, from own verified copies. `inputs`: the round's."""

    round: int
    inputs: str


@dataclass(frozen=True)
class FetchGlobal:
    """Fetch a final global adapter of the chain (or the genesis) into the own store."""

    round: int
    root: bytes


@dataclass(frozen=True)
class JudgeProposal:
    """Compare a live proposal with the aggregate computed here, `own_root`."""

    round: int
    proposer: str
    root: bytes
    own_root: bytes


@dataclass(frozen=True)
class BuildCase:
    """Make the proof that a live proposal is wrong, and simulate it."""

    round: int
    proposer: str
    root: bytes


@dataclass(frozen=True)
class Release:
    """Let go of an old round's inputs in the own store, and of those of `own_globals` that were never a global."""

    round: int
    own_globals: frozenset[bytes]


@dataclass(frozen=True)
class Propose:
    """Hand in the own recomputed global."""

    round: int


@dataclass(frozen=True)
class Challenge:
    """Send the next call of the case against a live proposal."""

    round: int
    root: bytes


@dataclass(frozen=True)
class Abandon:
    """Void a round that nobody aggregated."""

    round: int


@dataclass(frozen=True)
class Settle:
    """Apply the consequences of settled rounds to this account."""


@dataclass(frozen=True)
class Claim:
    """Take what the coordinator owes to this account."""


@dataclass(frozen=True)
class Train:
    """Train the update of `round` on the global adapter `prior_root`."""

    round: int
    prior_root: bytes


@dataclass(frozen=True)
class Evaluate:
    """Score a global adapter on the node's test data."""

    round: int
    root: bytes


@dataclass(frozen=True)
class TrainSolo:
    """One round's steps of the site's own model, for comparison."""

    round: int


@dataclass(frozen=True)
class EvaluateSolo:
    """Score the site's own model after its last round."""

    round: int


@dataclass(frozen=True)
class Interrupt:
    """Stop work in the background: it is no longer wanted, or something with a deadline is."""

    work: Work


ModelAction = Train | Evaluate | TrainSolo | EvaluateSolo  # needs the model: one at a time, in the model's thread
SiteAction = Evaluate | TrainSolo | EvaluateSolo  # of these, what only the site is interested in
FetchAction = (
    CheckInputs | Recompute | FetchGlobal | JudgeProposal | BuildCase | Release
)  # moves data: one at a time in each lane
Work = ModelAction | FetchAction  # in the background
ChainAction = (
    Commit | Reveal | Attest | Propose | Challenge | Abandon | Settle | Claim
)  # sends transactions: in the loop itself
Action = Wait | Finish | Interrupt | ChainAction | Work


class Lane(StrEnum):
    """What runs in the background one at a time; one lane does not wait for another."""

    MODEL = "model"
    INPUTS = "inputs"
    DISPUTES = "disputes"
    TIDYING = "tidying"


def lane(work: Work) -> Lane:
    """Where `work` runs: what an obligation waits for never stands behind what a stranger can make slow."""
    match work:
        case CheckInputs() | Recompute() | FetchGlobal():
            return Lane.INPUTS
        case JudgeProposal() | BuildCase():
            return Lane.DISPUTES
        case Release():
            return Lane.TIDYING
        case Train() | Evaluate() | TrainSolo() | EvaluateSolo():
            return Lane.MODEL

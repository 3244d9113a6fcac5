"""Whether a proposal is wrong, and where. Only this module decides it. It is pure: everything that it needs is passed
in.

Aggregator, watchtower, observer, node and `fednode challenge` judge here. `evidence` reads what they judge by: the
proposal's leaf digests from the chain's log, and the own result from the store.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fedprotocol import tree
from fedprotocol.chain.read.snapshot import RoundState
from fedprotocol.errors import FedError
from fedprotocol.leaves import Leaves
from fedprotocol.types import Phase, Proposal

from fedaggregator.disputes.price import CaseSize


class DisputeError(FedError):
    """A proposal cannot be judged, or a case cannot be made, with these inputs. The message says why."""


@dataclass(frozen=True)
class Claim:
    """What is known about a proposal: its root, and the 32-byte digests of its leaves in order.

    `digests` is None if they were not read, or could not be read; then `unreadable` says why.
    """

    root: bytes
    digests: Sequence[bytes] | None = None
    unreadable: str = ""


@dataclass(frozen=True)
class WrongLeaf:
    """A leaf that differs, with the 32-byte digests of what it should be and of what the proposal claims."""

    leaf: int
    expected: bytes
    claimed: bytes

    def __str__(self) -> str:
        return f"leaf {self.leaf} should be 0x{self.expected.hex()}, it claims 0x{self.claimed.hex()}"


@dataclass(frozen=True)
class Right:
    """The proposal equals the global that was recomputed from the accepted updates."""

    def __str__(self) -> str:
        return "is right"


@dataclass(frozen=True)
class Wrong:
    """The proposal differs from the global that was recomputed. It is convicted by its first wrong leaf, `first`, which
    is None if the leaves are not known; `unreadable` says why, if they were requested. `cost` is what the case by that
    leaf takes; None if it was not requested.
    """

    first: WrongLeaf | None = None
    cost: CaseSize | None = None
    unreadable: str = ""

    @property
    def where(self) -> str:
        """A phrase that names the first wrong leaf, or says why none is known."""
        if self.first is not None:
            return str(self.first)
        return f"it cannot be convicted from here, no leaf of it can be opened ({self.unreadable or 'not looked at'})"

    def __str__(self) -> str:
        return f"is WRONG: {self.where}" if self.first is not None or self.unreadable else "is WRONG"


@dataclass(frozen=True)
class Undecided:
    """There is nothing to compare the proposal with yet; `because` says what is missing."""

    because: str

    def __str__(self) -> str:
        return f"could not be checked: {self.because}"


Verdict = Right | Wrong | Undecided


def judge(
    claim: Claim,
    own: Leaves | bytes | None,
    price: Callable[[int], CaseSize] | None = None,
    missing: str = "the round is not recomputed here yet",
) -> Verdict:
    """Whether a proposal is wrong, at which leaf first, and what it takes to convict it.

    The root alone tells right from wrong. The leaf is named if the leaves of both are known.

    Args:
        claim: the proposal.
        own: the round's right global that was recomputed here, or only its root (32 bytes); None if there is none.
        price: what a case takes, by the number of its wrong leaf (`CaseSize.at_leaf`).
        missing: why there is no `own`.

    Raises:
        DisputeError: the digests are not those of the proposal's root, or not one for each leaf of a global.
    """
    if own is None:
        return Undecided(missing)
    if claim.root == (own if isinstance(own, bytes) else own.root):
        return Right()
    if claim.digests is None or isinstance(own, bytes):
        return Wrong(unreadable=claim.unreadable)
    first = _first_wrong_leaf(claim.root, claim.digests, own)
    return Wrong(first, price(first.leaf) if price is not None else None)


def _first_wrong_leaf(root: bytes, digests: Sequence[bytes], own: Leaves) -> WrongLeaf:
    if len(digests) != len(own):
        raise DisputeError(f"{len(digests)} digests cannot be those of a tree of {len(own)} leaves")
    if tree.root(digests) != root:
        raise DisputeError(f"these leaf digests are not those of proposal {tree.cid(root)}: read them again")
    for leaf, claimed in enumerate(digests):
        expected = own.digest(leaf)
        if claimed != expected:
            return WrongLeaf(leaf, expected, claimed)
    raise DisputeError(f"the own global is not the tree of its root {tree.cid(own.root)}: merge the round again")


def wrong_proposals(state: RoundState, own_root: bytes | None) -> list[Proposal]:
    """The live proposals of a round that are wrong and can still be convicted, by the end of their windows.

    `own_root` is the root of the round's global that was recomputed here. While it is None, no proposal is known to be
    wrong.
    """
    if state.view.phase is not Phase.CHALLENGE:
        return []
    wrong = [proposal for proposal in state.proposals if isinstance(judge(Claim(proposal.root), own_root), Wrong)]
    return sorted(wrong, key=lambda proposal: proposal.window_end)


def has_right_proposal(state: RoundState, own_root: bytes | None) -> bool:
    """Whether a right proposal is among the live ones that the snapshot shows, no matter who made it."""
    return any(isinstance(judge(Claim(proposal.root), own_root), Right) for proposal in state.proposals)


def alarm(round_number: int, proposer: str, root: bytes, verdict: Wrong) -> str:
    """The line that reports a wrong proposal to people."""
    cost = f"; to convict it takes {verdict.cost.describe()}" if verdict.cost is not None else ""
    return f"round {round_number}: WRONG PROPOSAL by {proposer}, root {tree.cid(root)}: {verdict.where}{cost}"

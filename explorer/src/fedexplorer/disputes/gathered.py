"""What was read of one leaf of a round's updates, and of the calls that proved something by it. Nothing here reads
chain or store."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from fedaggregator.disputes.leaf_case import one_leaf
from fedaggregator.rules import Rule
from fedaggregator.rules.base import Sums as RuleSums
from fedprotocol import tree
from fedprotocol.chain.read.disputes import Opening, Sums
from fedprotocol.numbers import to_bytes
from fedprotocol.types import FederationConfig

from fedexplorer.content.inputs import Given, RoundInputs
from fedexplorer.content.told import Told
from fedexplorer.disputes.calls import Call


class ReplayError(Told):
    """What was read about a proof does not fit together. The message says where."""


class Source(StrEnum):
    """Where a leaf was read."""

    CALLDATA = "the transaction"
    STORE = "the store"


@dataclass(frozen=True)
class Share:
    """What one accepted update has at the disputed leaf."""

    update: Given
    opening: Opening
    source: Source


@dataclass(frozen=True)
class Part:
    """One call of the case, and which accepted updates it brought: those from number `start` up to `stop`, counted as
    they are accepted; `start` is None where the transaction does not show it."""

    call: Call
    name: str  # carry, challenge or impeach
    start: int | None
    stop: int


@dataclass(frozen=True)
class Gathered:
    """What was read of one leaf of all accepted updates, and of the calls about it.

    Args:
        leaf: of the updates' trees.
        leaf_is_known: whether the calls name the leaf; otherwise it is the first one that is wrong.
        kept: the sums that the last call started from, as its caller gave them; None if it started from nothing.
        calls: in the order of the chain.
    """

    leaf: int
    leaf_is_known: bool
    shares: tuple[Share, ...]
    kept: Sums | None
    calls: tuple[Part, ...]

    @property
    def gas(self) -> int:
        return sum(part.call.gas for part in self.calls)

    @property
    def fee(self) -> int:
        """Wei."""
        return sum(part.call.fee for part in self.calls)


def summed(rule: Rule, bits: int, found: Gathered) -> tuple[int, RuleSums]:
    """The weight and the rule's sums of all updates. Raises ReplayError if the last call started from other sums, or
    there is no update."""
    sums: RuleSums | None = None
    weight, kept = 0, found.kept
    for count, (total, running) in enumerate(accumulated(rule, bits, found.shares), 1):
        sums, weight = running, total
        if kept is not None and kept.count == count and (kept.weight, kept.values) != (total, to_bytes(running)):
            raise ReplayError(f"the sums over {count} updates that the last call started from are not what they sum to")
    if sums is None:
        raise ReplayError("the round accepted no update")
    return weight, sums


def accumulated(rule: Rule, bits: int, shares: Sequence[Share]) -> Iterator[tuple[int, RuleSums]]:
    """The weight and the rule's sums after each update; the next step may change the sums."""
    sums, weight = None, 0
    for share in shares:
        mantissas = one_leaf(share.opening.leaf, bits)
        sums = rule.accumulate(sums, mantissas, share.update.weight, share.update.shift)
        weight += share.update.weight
        yield weight, sums


def check_shares(config: FederationConfig, inputs: RoundInputs, found: Gathered) -> None:
    """Raise ReplayError unless what was read are leaves of the accepted updates."""
    if not 0 <= found.leaf < config.leaf_count:
        raise ReplayError(f"leaf {found.leaf} is no leaf of this federation")
    if tuple(share.update for share in found.shares) != inputs.updates:
        raise ReplayError("these are not the accepted updates of the round")
    for share in found.shares:
        digest, path = tree.leaf_digest(share.opening.leaf), share.opening.path
        check_path(share.update.root, config.leaf_count, found.leaf, digest, path, f"the leaf of {share.update.client}")


def check_path(root: bytes, leaf_count: int, index: int, digest: bytes, path: Sequence[bytes], what: str) -> None:
    """Raise ReplayError unless `path` leads from the digest of leaf `index` to `root`. `what`: the leaf, in words."""
    try:
        reached = tree.root_from_path(leaf_count, index, digest, path)
    except tree.TreeError as error:
        raise ReplayError(f"{what} has no path to its root: {error}") from error
    if reached != root:
        raise ReplayError(f"{what} does not lead to its root {tree.cid(root)}")

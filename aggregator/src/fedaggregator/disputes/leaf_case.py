"""What the accepted updates prove at one leaf, and the calls of the Disputes contract for it. Nothing here is sent.

A case that does not fit into one transaction takes several: `carry` keeps the sums after some accepted updates, and the
last call can go on from any sums that are kept. The sums themselves are recomputed here from the updates, which are
public. The chain only has to say which ones it keeps.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from fedprotocol import tree
from fedprotocol.chain.read.disputes import Accusation, Opening, Proof, Step, Sums
from fedprotocol.chain.read.snapshot import RoundState
from fedprotocol.leaves import Leaves
from fedprotocol.numbers import from_bytes, to_bytes
from numpy.typing import NDArray

from fedaggregator.compute.inputs import accepted
from fedaggregator.compute.merge import Contribution
from fedaggregator.disputes.judge import DisputeError
from fedaggregator.disputes.price import CaseSize, Limits
from fedaggregator.rules.base import Rule
from fedaggregator.rules.base import Sums as RuleSums


class StaleCase(DisputeError):
    """What was computed here was not made from the round's present inputs. Merge again, and compare again."""


@dataclass(frozen=True)
class Share:
    """What one accepted update contributes to a leaf."""

    opening: Opening
    weight: int
    shift: int


@dataclass(frozen=True)
class LeafCase(ABC):
    """The accepted updates of a round at one leaf, from which something follows that the chain can check."""

    round: int
    inputs_hash: bytes
    accepted_mask: int
    leaf: int  # of the updates' trees
    shares: tuple[Share, ...]  # the leaves of the accepted updates, by index
    rule: Rule = field(repr=False)
    bits: int
    values: int  # K

    @property
    @abstractmethod
    def size(self) -> CaseSize:
        """The sizes on which its cost depends."""

    @property
    @abstractmethod
    def gone(self) -> str:
        """What is said where nothing is left to prove."""

    @abstractmethod
    def last_call(self, start: int) -> Proof | Accusation:
        """The call that proves it, from sums over `start` updates on."""

    def sums(self, counts: Sequence[int]) -> dict[int, Sums]:
        """The partial sums after each of `counts` accepted updates."""
        wanted = set(counts)
        found = {0: Sums()} if 0 in wanted else {}
        for count, weight, running in self.accumulated(max(wanted, default=0)):
            if count in wanted:
                found[count] = Sums(count, weight, to_bytes(running))
        return found

    def accumulated(self, updates: int) -> Iterator[tuple[int, int, RuleSums]]:
        """For growing numbers of updates: their number, their weight, and the rule's sums, which the next step may
        change."""
        running, weight = None, 0
        for count, share in enumerate(self.shares[:updates], start=1):
            mantissas = one_leaf(share.opening.leaf, self.bits)
            running = self.rule.accumulate(running, mantissas, share.weight, share.shift)
            weight += share.weight
            yield count, weight, running


def shares_of(state: RoundState, contributions: Sequence[Contribution], leaf: int) -> tuple[Share, ...]:
    """The leaves of the accepted updates. Raises StaleCase if `contributions` are others, or stand in another order."""
    given = [(c.leaves.root, c.weight, c.shift) for c in contributions]
    if given != [(u.root, u.weight, u.shift) for u in accepted(state)]:
        raise StaleCase(f"these are not the accepted updates of round {state.number}: merge the round again")
    return tuple(Share(opening(c.leaves, leaf), c.weight, c.shift) for c in contributions)


def one_leaf(content: bytes, bits: int) -> NDArray[Any]:
    """The values of one leaf as rules take them: [1, K]."""
    return from_bytes(content, bits)[np.newaxis]


def opening(leaves: Leaves, index: int) -> Opening:
    """One leaf, with its path to the root."""
    digests = [leaves.digest(i) for i in range(len(leaves))]
    return Opening(leaves[index], tuple(tree.path(digests, index)))


def furthest(case: LeafCase, kept: Sequence[bytes]) -> int:
    """The largest number of updates whose sums the contract keeps (`Disputes.carried`), if they are the right ones; 0
    if there are none."""
    reached = [count for count, digest in enumerate(kept) if any(digest)]
    own = case.sums(reached)
    return max((count for count in reached if own[count].digest == kept[count]), default=0)


def next_call(case: LeafCase, start: int, limits: Limits | None = None) -> Step | Proof:
    """The call after sums over `start` updates: the last one if it fits into the limits, otherwise a call that carries
    as many updates as fit. Raises: CallTooLarge: not even one more update fits, or the last call alone does not fit.
    """
    call = case.size.next_call(start, limits)
    if call.final:
        return case.last_call(start)
    openings = tuple(share.opening for share in case.shares[start : start + call.updates])
    return Step(case.round, case.inputs_hash, case.leaf, case.sums([start])[start], openings)


def is_last(call: Step | Proof) -> bool:
    """Whether the call proves the case; otherwise it carries sums."""
    return isinstance(call, Proof | Accusation)


def plan(case: LeafCase, start: int = 0, limits: Limits | None = None) -> Iterator[Step | Proof]:
    """All calls from sums over `start` updates to the last one, in order.

    Raises:
        CallTooLarge: see `next_call`.
    """
    while True:
        call = next_call(case, start, limits)
        yield call
        if is_last(call):
            return
        start += len(call.updates)

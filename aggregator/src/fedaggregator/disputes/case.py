"""A wrong proposal's first wrong leaf, and the calls of the Disputes contract that convict it. Nothing here is sent.

A case that does not fit into one transaction takes several: `carry` keeps the sums after some accepted updates, and
`challenge` can go on from any sums that are kept. The sums themselves are recomputed here from the updates, which are
public. The chain only has to say which ones it keeps.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from fedprotocol import tree
from fedprotocol.chain.read.disputes import Opening, Proof, Step, Sums
from fedprotocol.chain.read.snapshot import RoundState
from fedprotocol.leaves import Leaves
from fedprotocol.numbers import from_bytes, to_bytes
from fedprotocol.types import FederationConfig
from numpy.typing import NDArray

from fedaggregator.compute.inputs import accepted
from fedaggregator.compute.merge import GLOBAL_BITS, Contribution
from fedaggregator.disputes.judge import Claim, DisputeError, WrongLeaf
from fedaggregator.disputes.price import CaseSize, Limits
from fedaggregator.rules.base import Rule
from fedaggregator.rules.base import Sums as RuleSums


class StaleCase(DisputeError):
    """Our global was not made from the round's present inputs. Merge again, and compare again."""


@dataclass(frozen=True)
class Share:
    """What one accepted update contributes to a leaf."""

    opening: Opening
    weight: int
    shift: int


@dataclass(frozen=True)
class Case:
    """Everything that proves one leaf of one proposal wrong."""

    round: int
    proposal_root: bytes
    inputs_hash: bytes
    accepted_mask: int
    wrong: WrongLeaf
    leaf: int  # of the updates' trees
    part: int  # leaf count of one part in the global's tree
    claimed_path: tuple[bytes, ...]
    prior: tuple[Opening, ...]  # every part
    shares: tuple[Share, ...]  # the leaves of the accepted updates, by index
    rule: Rule = field(repr=False)
    bits: int
    values: int  # K

    @property
    def size(self) -> CaseSize:
        """The sizes on which its cost depends."""
        siblings = len(self.shares[0].opening.path)
        prior = tuple(len(opening.path) for opening in self.prior)
        return CaseSize(self.rule, len(self.shares), self.values, self.bits, siblings, prior, self.part)

    def sums(self, counts: Sequence[int]) -> dict[int, Sums]:
        """The partial sums after each of `counts` accepted updates."""
        wanted = set(counts)
        found = {0: Sums()} if 0 in wanted else {}
        for count, weight, running in self._accumulated(max(wanted, default=0)):
            if count in wanted:
                found[count] = Sums(count, weight, to_bytes(running))
        return found

    def result(self, server_lr: int) -> bytes:
        """The right content of the wrong part, computed only from what the proof contains."""
        *_, (_, weight, sums) = self._accumulated(len(self.shares))
        prior = np.stack([one_leaf(opening.leaf, GLOBAL_BITS) for opening in self.prior])
        return to_bytes(self.rule.finish(sums, prior, weight, server_lr)[self.part])

    def _accumulated(self, updates: int) -> Iterator[tuple[int, int, RuleSums]]:
        """For growing numbers of updates: their number, their weight, and the rule's sums, which the next step may
        change."""
        running, weight = None, 0
        for count, share in enumerate(self.shares[:updates], start=1):
            mantissas = one_leaf(share.opening.leaf, self.bits)
            running = self.rule.accumulate(running, mantissas, share.weight, share.shift)
            weight += share.weight
            yield count, weight, running


def build(
    rule: Rule,
    config: FederationConfig,
    state: RoundState,
    prior: Leaves,
    contributions: Sequence[Contribution],
    claim: Claim,
    wrong: WrongLeaf,
) -> Case:
    """The case against a proposal, by its first wrong leaf, which `judge` found.

    Args:
        rule: the Python version of the federation's rule.
        state: the round, its inputs fixed.
        prior: the round's prior global.
        contributions: the accepted updates in index order, the same that `merge` got for the right global.
        claim: the proposal, with its leaf digests.
        wrong: the leaf that convicts it.

    Raises:
        StaleCase: what the leaf should be does not follow from the round's inputs.
        DisputeError: the proposal's leaf digests are missing.
    """
    if claim.digests is None:
        raise DisputeError(f"no leaf of proposal {tree.cid(claim.root)} can be opened: {claim.unreadable}")
    if prior.root != state.view.prior_root:
        raise StaleCase(
            f"the prior of round {state.number} is {tree.cid(state.view.prior_root)}, not {tree.cid(prior.root)}"
        )
    given = [(c.leaves.root, c.weight, c.shift) for c in contributions]
    if given != [(u.root, u.weight, u.shift) for u in accepted(state)]:
        raise StaleCase(f"these are not the accepted updates of round {state.number}: merge the round again")
    part, leaf = divmod(wrong.leaf, config.leaf_count)
    case = Case(
        round=state.number,
        proposal_root=claim.root,
        inputs_hash=state.view.inputs_hash,
        accepted_mask=state.view.accepted_mask,
        wrong=wrong,
        leaf=leaf,
        part=part,
        claimed_path=tuple(tree.path(claim.digests, wrong.leaf)),
        prior=tuple(_opening(prior, index) for index in range(leaf, len(prior), config.leaf_count)),
        shares=tuple(Share(_opening(c.leaves, leaf), c.weight, c.shift) for c in contributions),
        rule=rule,
        bits=config.mantissa_bits,
        values=config.leaf_values,
    )
    _check(case, config.server_lr)
    return case


def _check(case: Case, server_lr: int) -> None:
    """Compute the leaf again from what the proof contains, so that a damaged file does not become a transaction."""
    if tree.leaf_digest(case.result(server_lr)) != case.wrong.expected:
        raise StaleCase(
            f"leaf {case.wrong.leaf} of one's own global does not follow from the accepted updates: "
            "the local copy is damaged, merge the round again"
        )


def one_leaf(content: bytes, bits: int) -> NDArray[Any]:
    """The values of one leaf as rules take them: [1, K]."""
    return from_bytes(content, bits)[np.newaxis]


def _opening(leaves: Leaves, index: int) -> Opening:
    digests = [leaves.digest(i) for i in range(len(leaves))]
    return Opening(leaves[index], tuple(tree.path(digests, index)))


def furthest(case: Case, kept: Sequence[bytes]) -> int:
    """The largest number of updates whose sums the contract keeps (`Disputes.carried`), if they are the right ones; 0
    if there are none."""
    reached = [count for count, digest in enumerate(kept) if any(digest)]
    own = case.sums(reached)
    return max((count for count in reached if own[count].digest == kept[count]), default=0)


def next_call(case: Case, start: int, limits: Limits | None = None) -> Step | Proof:
    """The call after sums over `start` updates: the challenge if it fits into the limits, otherwise a call that carries
    as many updates as fit. Raises: CallTooLarge: not even one more update fits, or the proof alone does not fit.
    """
    call = case.size.next_call(start, limits)
    if call.final:
        return _proof(case, start)
    sums = case.sums([start])[start]
    openings = tuple(share.opening for share in case.shares[start : start + call.updates])
    return Step(case.round, case.inputs_hash, case.leaf, sums, openings)


def plan(case: Case, start: int = 0, limits: Limits | None = None) -> Iterator[Step | Proof]:
    """All calls from sums over `start` updates to the challenge, in order.

    Raises:
        CallTooLarge: see `next_call`.
    """
    while True:
        call = next_call(case, start, limits)
        yield call
        if isinstance(call, Proof):
            return
        start += len(call.updates)


def _proof(case: Case, start: int) -> Proof:
    return Proof(
        case.round,
        case.proposal_root,
        case.inputs_hash,
        case.leaf,
        case.part,
        case.prior,
        case.wrong.claimed,
        case.claimed_path,
        case.sums([start])[start],
        tuple(share.opening for share in case.shares[start:]),
    )

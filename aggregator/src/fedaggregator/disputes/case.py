"""A wrong proposal's first wrong leaf, and the proof that convicts it. Nothing here is sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from fedprotocol import tree
from fedprotocol.chain.read.disputes import Opening, Proof
from fedprotocol.chain.read.snapshot import RoundState
from fedprotocol.leaves import Leaves
from fedprotocol.numbers import from_bytes, to_bytes
from fedprotocol.types import FederationConfig

from fedaggregator.compute.merge import GLOBAL_BITS, Contribution
from fedaggregator.disputes.judge import Claim, DisputeError, WrongLeaf
from fedaggregator.disputes.leaf_case import LeafCase, StaleCase, opening, shares_of
from fedaggregator.disputes.price import CaseSize
from fedaggregator.rules.base import Rule


@dataclass(frozen=True)
class Case(LeafCase):
    """Everything that proves one leaf of one proposal wrong."""

    proposal_root: bytes
    wrong: WrongLeaf
    part: int  # leaf count of one part in the global's tree
    claimed_path: tuple[bytes, ...]
    prior: tuple[Opening, ...]  # every part

    @property
    def size(self) -> CaseSize:
        siblings = len(self.shares[0].opening.path)
        prior = tuple(len(opening.path) for opening in self.prior)
        return CaseSize(self.rule, len(self.shares), self.values, self.bits, siblings, prior, self.part)

    @property
    def gone(self) -> str:
        return f"proposal 0x{self.proposal_root.hex()} is not live any more"

    def last_call(self, start: int) -> Proof:
        return Proof(
            self.round,
            self.proposal_root,
            self.inputs_hash,
            self.leaf,
            self.part,
            self.prior,
            self.wrong.claimed,
            self.claimed_path,
            self.sums([start])[start],
            tuple(share.opening for share in self.shares[start:]),
        )

    def result(self, server_lr: int) -> bytes:
        """The right content of the wrong part, computed only from what the proof contains."""
        *_, (_, weight, sums) = self.accumulated(len(self.shares))
        prior = np.stack([from_bytes(opening.leaf, GLOBAL_BITS)[np.newaxis] for opening in self.prior])
        return to_bytes(self.rule.finish(sums, prior, weight, server_lr)[self.part])


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
        prior=tuple(opening(prior, index) for index in range(leaf, len(prior), config.leaf_count)),
        shares=shares_of(state, contributions, leaf),
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

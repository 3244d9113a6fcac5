"""Proves that the accepted updates of a masked round are garbage: at one leaf, a sum that no honest updates have.

Masks cancel in the sum of all updates, which is small then. So somebody sent something else than was agreed, if one sum
is large. The contract makes such a round void (`Disputes.impeach`), whatever is proposed in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fedprotocol.chain.read.disputes import Accusation
from fedprotocol.chain.read.snapshot import RoundState
from fedprotocol.types import FederationConfig

from fedaggregator.compute.garbage import first_garbage
from fedaggregator.compute.merge import Contribution
from fedaggregator.disputes.leaf_case import LeafCase, StaleCase, shares_of
from fedaggregator.disputes.price import CaseSize
from fedaggregator.rules.base import Rule


@dataclass(frozen=True)
class Impeachment(LeafCase):
    """The updates at a leaf where one of their sums is out of range."""

    @property
    def size(self) -> CaseSize:
        siblings = len(self.shares[0].opening.path)
        return CaseSize(self.rule, len(self.shares), self.values, self.bits, siblings, ())

    @property
    def gone(self) -> str:
        return "it is not open any more"

    def last_call(self, start: int) -> Accusation:
        openings = tuple(share.opening for share in self.shares[start:])
        return Accusation(self.round, self.inputs_hash, self.leaf, self.sums([start])[start], openings)

    def is_right(self) -> bool:
        """Whether one of the sums is out of range."""
        *_, (_, weight, sums) = self.accumulated(len(self.shares))
        return first_garbage(self.rule, sums, weight) is not None


def impeach(
    rule: Rule, config: FederationConfig, state: RoundState, contributions: Sequence[Contribution], leaf: int
) -> Impeachment:
    """What makes a round void by the sums at `leaf`, which `merge` found.

    Args:
        rule: the Python version of the federation's rule.
        state: the round, its inputs fixed.
        contributions: the accepted updates in index order.
        leaf: of an update's tree.

    Raises:
        StaleCase: these are not the round's accepted updates, or their sums are within the range.
    """
    made = Impeachment(
        round=state.number,
        inputs_hash=state.view.inputs_hash,
        accepted_mask=state.view.accepted_mask,
        leaf=leaf,
        shares=shares_of(state, contributions, leaf),
        rule=rule,
        bits=config.mantissa_bits,
        values=config.leaf_values,
    )
    if not made.is_right():
        raise StaleCase(f"round {state.number}: all sums at leaf {leaf} are within the range: merge the round again")
    return made

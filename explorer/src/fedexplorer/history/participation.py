"""What one account did in one round, and what it got or lost by it."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from fedexplorer.history.records import Commit, Payment, Penalty, Proposal, RoundHistory, Update, Vote


@dataclass(frozen=True, slots=True)
class Part:
    """An account in a round. What it did not do is None or empty.

    Args:
        share: of the weight of all updates.
        reward: what it gets as client; `aggregation`: what it gets as the proposer of the final global.
        convictions: proposals, also its own, that it proved wrong.
    """

    round: RoundHistory
    commit: Commit | None
    update: Update | None
    vote: Vote | None
    share: Fraction | None
    reward: Payment | None
    aggregation: Payment | None
    penalty: Penalty | None
    proposals: tuple[Proposal, ...]
    convictions: tuple[Proposal, ...]

    @property
    def is_empty(self) -> bool:
        """Whether it did nothing that the round remembers."""
        return self.commit is None and not self.proposals and not self.convictions


def part(history: RoundHistory, account: str) -> Part:
    """The account's part in a round."""
    update = next((found for found in history.updates if found.client == account), None)
    paid = {payment.is_aggregator: payment for payment in history.payments if payment.account == account}
    proposals = history.proposals
    return Part(
        round=history,
        commit=next((found for found in history.commits if found.client == account), None),
        update=update,
        vote=next((found for found in history.votes if found.client == account), None),
        share=None if update is None else Fraction(update.weight, history.total_weight),
        reward=paid.get(False),
        aggregation=paid.get(True),
        penalty=next((found for found in history.penalties if found.client == account), None),
        proposals=tuple(found for found in proposals if found.proposer == account),
        convictions=tuple(found for found in proposals if found.conviction and found.conviction.challenger == account),
    )

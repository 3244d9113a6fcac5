"""What an account did in a round, as tables and the strip of rounds show it."""

from __future__ import annotations

from fedprotocol.types import PenaltyReason, Phase, VoidReason

from fedexplorer.history.participation import Part
from fedexplorer.history.records import Standing
from fedexplorer.views.people import Person
from fedexplorer.views.view import Model, Named

WHY = {
    PenaltyReason.WRONG_PRIOR: "committed to another global than the round started from",
    PenaltyReason.NOT_REVEALED: "committed, and did not reveal",
    PenaltyReason.NOT_ATTESTED: "revealed, and did not attest",
    PenaltyReason.NOT_ACCEPTED: "sent an update that kept the round from a global, and lost the seat",
}


class PartRow(Model):
    """What the account did in a round. `state` sums it up in a word; money that is due is not yet credited or taken.

    `replaced` counts the commits that it replaced; `accepted` is None until Attest is over; `yes` is the share of the
    weight that vouched for its update.
    """

    round: int
    time: int
    phase: Named[Phase]
    void_reason: Named[VoidReason]
    state: str
    active: bool
    committed: int | None
    replaced: int
    matches: bool | None
    revealed: int | None
    attested: int | None
    accepted: bool | None
    yes: float | None
    examples: int | None
    weight: int | None
    share: float | None
    reward: int | None
    reward_due: bool
    aggregation: int | None
    penalty: int | None
    penalty_due: bool
    why: str
    proposed: int
    convictions: int

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to say of the round: no seat, and nothing done."""
        return self.state == "absent"


def part_row(did: Part, found: Person) -> PartRow:
    """The row of a round."""
    history, commit, update, vote, penalty = did.round, did.commit, did.update, did.vote, did.penalty
    active = found.active_in(history.number)
    return PartRow(
        round=history.number,
        time=history.opened.time,
        phase=history.phases[-1].phase,
        void_reason=history.void_reason,
        state=_word(did, active),
        active=active,
        committed=None if commit is None else commit.place.time,
        replaced=0 if commit is None else commit.replaced,
        matches=None if commit is None else commit.matches,
        revealed=None if update is None else update.place.time,
        attested=None if vote is None else vote.place.time,
        accepted=None if update is None else update.accepted,
        yes=None if update is None else update.yes / history.total_weight,
        examples=None if update is None else update.examples,
        weight=None if update is None else update.weight,
        share=None if did.share is None else float(did.share),
        reward=None if did.reward is None else did.reward.amount,
        reward_due=did.reward is not None and did.reward.credited is None,
        aggregation=None if did.aggregation is None else did.aggregation.amount,
        penalty=None if penalty is None else penalty.amount,
        penalty_due=penalty is not None and penalty.applied is None,
        why="" if penalty is None else WHY[penalty.reason],
        proposed=len(did.proposals),
        convictions=len(did.convictions),
    )


def _word(did: Part, active: bool) -> str:
    """The account's part in a word, which is also its colour in the strip."""
    if did.penalty is not None:
        return "penalised"
    if did.update is not None and did.update.accepted is not None:
        return "accepted" if did.update.accepted else "refused"
    if did.vote is not None:
        return "attested"
    if did.update is not None:
        return "revealed"
    if did.commit is not None:
        return "committed"
    if did.proposals:
        standing = did.proposals[0].standing
        return {Standing.FINAL: "proposer", Standing.CONVICTED: "convicted"}.get(standing, "proposed")
    if did.convictions:
        return "challenger"
    if not active:
        return "absent"
    return "expected" if did.round.phases[-1].phase is Phase.TRAIN else "silent"

"""The lines of a round's tables: who took part, updates, votes, proposals, payments."""

from __future__ import annotations

from fedprotocol.losses import told
from fedprotocol.types import PenaltyReason, Phase

from fedexplorer.history.records import Place, Proposal, RoundHistory, Standing, Update
from fedexplorer.views.view import Hex, Model, Named


class PhaseRow(Model):
    """A phase of the round. `end` is None where nothing has ended it and no clock does."""

    phase: Named[Phase]
    start: int
    end: int | None


class Participant(Model):
    """What one client did in the round, and what it got for it: times, or None for what it did not do. `replaced`
    counts its earlier commitments; `matches` says whether the last one names the round's prior, None while that is
    unknown. `vouches` has a bit for each update. `paid` is its share of the reward, `credited` when it was written to
    its account; `fault` is what it is penalised for, `penalised` when that was taken from its stake.
    """

    account: str
    committed: int
    replaced: int
    matches: bool | None
    index: int | None
    revealed: int | None
    attested: int | None
    vouches: str
    paid: int
    credited: int | None
    penalty: int
    fault: Named[PenaltyReason] | None
    penalised: int | None


class UpdateRow(Model):
    """A revealed update. `yes` is the weight that vouches for it. `verdict` says whether it is accepted, or why not."""

    index: int
    client: str
    root: Hex
    examples: int
    weight: int
    shift: int
    loss_before: int
    loss_after: int
    yes: int
    accepted: bool | None
    verdict: str
    time: int
    block: int
    tx: Hex

    @property
    def tells_losses(self) -> bool:
        """Whether the client says what its losses were."""
        return told(self.loss_before, self.loss_after)


class ProposalRow(Model):
    """A completed proposal. What follows a conviction is None without one."""

    proposer: str
    root: Hex
    time: int
    window_end: int
    pages: int
    bond: int
    standing: Standing
    returned: int | None
    challenger: str | None
    bounty: int | None
    burned: int | None
    convicted: int | None
    tx: Hex
    block: int


class PaymentRow(Model):
    """A share of the reward. `weight` is the client's, None for the proposer of the global. `credited` is None while it
    is only due."""

    account: str
    weight: int | None
    amount: int
    credited: int | None


def participants_of(history: RoundHistory) -> tuple[Participant, ...]:
    """In the order in which they first committed."""
    updates = {update.client: update for update in history.updates}
    votes = {vote.client: vote for vote in history.votes}
    payments = {payment.account: payment for payment in history.payments if not payment.is_aggregator}
    penalties = {penalty.client: penalty for penalty in history.penalties}
    found = []
    for commit in history.commits:
        client = commit.client
        update, vote = updates.get(client), votes.get(client)
        payment, penalty = payments.get(client), penalties.get(client)
        found.append(
            Participant(
                account=client,
                committed=commit.place.time,
                replaced=commit.replaced,
                matches=commit.matches,
                index=update.index if update else None,
                revealed=update.place.time if update else None,
                attested=vote.place.time if vote else None,
                vouches=hex(vote.bitmap) if vote else "",
                paid=payment.amount if payment else 0,
                credited=_time(payment.credited) if payment else None,
                penalty=penalty.amount if penalty else 0,
                fault=penalty.reason if penalty else None,
                penalised=_time(penalty.applied) if penalty else None,
            )
        )
    return tuple(found)


def update_rows(history: RoundHistory, is_masked: bool) -> tuple[UpdateRow, ...]:
    """In the order of reveals."""
    return tuple(
        UpdateRow(
            index=u.index,
            client=u.client,
            root=u.root,
            examples=u.examples,
            weight=u.weight,
            shift=u.shift,
            loss_before=u.loss_before,
            loss_after=u.loss_after,
            yes=u.yes,
            accepted=u.accepted,
            verdict=verdict(u, history, is_masked),
            time=u.place.time,
            block=u.place.block,
            tx=u.place.tx,
        )
        for u in history.updates
    )


def verdict(update: Update, history: RoundHistory, is_masked: bool) -> str:
    """Whether an update of a round is accepted, and if not, why."""
    if update.accepted is None:
        return "not decided yet" if history.settled_at is None else "never decided: the round was void before"
    if update.accepted:
        return "accepted"
    if 3 * update.yes >= 2 * history.total_weight:
        if is_masked:
            return "not accepted: two thirds of the weight vouch for it, but not for every other one"
        return "not accepted: all updates that are vouched for weigh less than two thirds together"
    return "not accepted: less than two thirds of the weight vouch for it"


def proposal_rows(history: RoundHistory) -> tuple[ProposalRow, ...]:
    """In the order in which they were completed."""
    return tuple(map(_proposal, history.proposals))


def payment_rows(history: RoundHistory) -> tuple[PaymentRow, ...]:
    """The proposer of the global, then the clients in the order of their updates."""
    weights = {update.client: update.weight for update in history.updates}
    return tuple(
        PaymentRow(
            account=p.account,
            weight=None if p.is_aggregator else weights[p.account],
            amount=p.amount,
            credited=_time(p.credited),
        )
        for p in history.payments
    )


def _proposal(p: Proposal) -> ProposalRow:
    by = p.conviction
    return ProposalRow(
        proposer=p.proposer,
        root=p.root,
        time=p.place.time,
        window_end=p.window_end,
        pages=p.pages,
        bond=p.bond,
        standing=p.standing,
        returned=_time(p.returned),
        challenger=by.challenger if by else None,
        bounty=by.bounty if by else None,
        burned=by.burned if by else None,
        convicted=by.place.time if by else None,
        tx=p.place.tx,
        block=p.place.block,
    )


def _time(place: Place | None) -> int | None:
    return None if place is None else place.time

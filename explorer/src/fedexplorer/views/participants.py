"""Everybody who takes part: seat, stake, and what they did and got."""

from __future__ import annotations

from fedexplorer.history.holdings import Kind
from fedexplorer.views.people import carries, others, participants, person, updates
from fedexplorer.views.site import Site
from fedexplorer.views.view import Csv, Model, View


class ParticipantRow(Model):
    """An account that has or had a seat, or made proposals or convictions. Money is as last settled.

    `carries` is how many examples its stake carries, `active` in how many rounds it could commit, `committed` in how
    many it did, and in how many of these its update was revealed and accepted. `share` is the part of the weight in
    the last round in which it revealed.
    """

    address: str
    name: str
    standing: str
    stake: int
    carries: int
    active: int
    committed: int
    revealed: int
    accepted: int
    share: float | None
    rewards: int
    penalties: int
    bounties: int
    bonds_lost: int
    owed: int


class ParticipantsPage(Model):
    """`rows` are those that have or had a seat, in the order in which they took one; `others` only proposed or
    convicted."""

    rows: tuple[ParticipantRow, ...]
    others: tuple[ParticipantRow, ...]
    active: int
    seats: int
    stakes: int
    stake_per_example: int
    min_stake: int


def build(site: Site) -> ParticipantsPage:
    """Everybody who takes part, or once did."""
    state = site.state
    config = state.federation.config
    return ParticipantsPage(
        rows=tuple(_row(site, account) for account in participants(state)),
        others=tuple(_row(site, account) for account in others(state)),
        active=state.snapshot.active_count,
        seats=config.max_clients,
        stakes=state.money.books.balances.stakes,
        stake_per_example=config.stake_per_example,
        min_stake=config.min_stake,
    )


def _row(site: Site, account: str) -> ParticipantRow:
    state = site.state
    found, made = person(state, account), updates(state.rounds)
    held, totals = found.holdings.now, found.holdings.totals
    return ParticipantRow(
        address=account,
        name=site.names.get(account, ""),
        standing=found.standing,
        stake=held.stake,
        carries=carries(held.stake, state.federation.config),
        active=found.active_rounds(len(state.rounds.all)),
        committed=found.committed,
        revealed=made.revealed[account],
        accepted=made.accepted[account],
        share=made.share.get(account),
        rewards=totals.get(Kind.CLIENT_REWARD, 0) + totals.get(Kind.AGGREGATOR_REWARD, 0),
        penalties=totals.get(Kind.PENALTY, 0),
        bounties=totals.get(Kind.BOUNTY, 0),
        bonds_lost=totals.get(Kind.CONVICTED, 0),
        owed=held.owed,
    )


NAMES = tuple(ParticipantRow.model_fields)


def _table(page: ParticipantsPage) -> Csv:
    return Csv(NAMES, ([getattr(row, name) for name in NAMES] for row in (*page.rows, *page.others)))


PARTICIPANTS = View("participants", "/participants", build, tables={"": _table})

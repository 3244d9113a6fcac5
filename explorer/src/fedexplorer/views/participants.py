"""Everybody who takes part: seat, stake, and what they did and got."""

from __future__ import annotations

from collections import Counter

from fedexplorer.history.holdings import Kind
from fedexplorer.views.people import Person, carries, others, participants, person
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
    counted = _Counted(site)
    return ParticipantsPage(
        rows=tuple(counted.row(account) for account in participants(state)),
        others=tuple(counted.row(account) for account in others(state)),
        active=state.snapshot.active_count,
        seats=config.max_clients,
        stakes=state.money.books.balances.stakes,
        stake_per_example=config.stake_per_example,
        min_stake=config.min_stake,
    )


class _Counted:
    """What is counted over all rounds, for every account at once."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.revealed: Counter[str] = Counter()
        self.accepted: Counter[str] = Counter()
        self.share: dict[str, float] = {}
        self.rounds = site.state.rounds.all
        for history in self.rounds:
            for update in history.updates:
                self.revealed[update.client] += 1
                self.accepted[update.client] += update.accepted is True
                self.share[update.client] = update.weight / history.total_weight

    def row(self, account: str) -> ParticipantRow:
        state = self.site.state
        found = person(state, account)
        held, totals = found.holdings.now, found.holdings.totals
        return ParticipantRow(
            address=account,
            name=self.site.names.get(account, ""),
            standing=found.standing,
            stake=held.stake,
            carries=carries(held.stake, state.federation.config),
            active=self._active(found),
            committed=found.committed,
            revealed=self.revealed[account],
            accepted=self.accepted[account],
            share=self.share.get(account),
            rewards=totals.get(Kind.CLIENT_REWARD, 0) + totals.get(Kind.AGGREGATOR_REWARD, 0),
            penalties=totals.get(Kind.PENALTY, 0),
            bounties=totals.get(Kind.BOUNTY, 0),
            bonds_lost=totals.get(Kind.CONVICTED, 0),
            owed=held.owed,
        )

    def _active(self, found: Person) -> int:
        """In how many of the rounds that were opened it could commit."""
        opened = len(self.rounds)
        spans = [span for stay in found.stays for span in stay.spans]
        return sum(max(0, min(opened + 1, opened + 1 if end is None else end) - first) for first, end in spans)


NAMES = tuple(ParticipantRow.model_fields)


def _table(page: ParticipantsPage) -> Csv:
    return Csv(NAMES, ([getattr(row, name) for name in NAMES] for row in (*page.rows, *page.others)))


PARTICIPANTS = View("participants", "/participants", build, tables={"": _table})

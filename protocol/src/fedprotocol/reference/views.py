"""Everything that can be read. Rounds are shown at the time `now`; money and seats as they were last settled."""

from __future__ import annotations

from fedprotocol.address import NOBODY
from fedprotocol.reference.ledger import Ledger
from fedprotocol.reference.state import MAX_BOND_SHIFT, SEATED, Account, Round
from fedprotocol.types import ZERO, Balances, Commitment, Phase, Proposal, RoundView, Seat, Update

MANY = 2**32


class Views(Ledger):
    def balances(self) -> Balances:
        return self._balances

    def seat(self, client: str) -> Seat:
        a = self.accounts.get(client)
        if a is None:
            return Seat(0, 0, 0, 0, 0, 0, False)
        old, new, *_ = [*a.pending, 0, 0]
        return Seat(a.stake, a.active_from, a.active_until, old, new, a.last_commit, a.exited)

    def owed(self, account: str) -> int:
        return self.owed_to.get(account, 0)

    def clients(self) -> list[str]:
        return [client for client, a in self.accounts.items() if not a.exited]

    def active_count(self) -> int:
        """Clients that would be active in the next round."""
        return sum(a.active_until == SEATED for a in self.accounts.values())

    def silent(self) -> tuple[list[str], list[str]]:
        """Active clients that have not committed in the round opened last: whom anybody may drop, and whom anybody's
        `settle` suspends."""
        last, finals = self.last_opened(), [number for number, _ in self._finals_by_now() if number]
        since = finals[-2] if len(finals) > 1 else 0
        droppable, indebted = [], []
        for client, a in self.accounts.items():
            if a.exited or a.active_until != SEATED or a.active_from > last or a.last_commit >= last:
                continue
            if since and a.active_from <= since and a.last_commit < since:
                droppable.append(client)
            elif self._is_indebted(client, a):
                indebted.append(client)
        return droppable, indebted

    def _is_indebted(self, client: str, account: Account) -> bool:
        """Whether penalties that are due and not applied would suspend the client or cost its seat."""
        settled = [self.rounds[n] for n in account.pending if self.rounds[n].settled_at is not None]
        faults = [(r, fault) for r in settled if (fault := self._fault(r, client)) is not None]
        costs_seat = any(self._costs_seat(r, fault) for r, fault in faults)
        return costs_seat or account.stake < self.config.min_stake + self.config.penalty * len(faults)

    def last_opened(self) -> int:
        return len(self.rounds)

    def final_count(self) -> int:
        return len(self._finals_by_now()) - 1

    def latest_final(self) -> tuple[int, bytes]:
        return self._finals_by_now()[-1]

    def is_closed(self) -> bool:
        return self.closed

    def round_view(self, number: int) -> RoundView:
        s = self.status(number)
        r = self.rounds.get(number)
        if r is None:
            return RoundView(s.phase, s.void_reason, 0, 0, 0, 0, ZERO, ZERO, ZERO, 0, 0, 0, 0, 0, 0, 0, NOBODY, 0, 0)
        final = s.phase == Phase.FINAL
        return RoundView(
            phase=s.phase,
            void_reason=s.void_reason,
            opened_at=r.opened_at,
            phase_start=s.start,
            phase_end=s.end,
            settled_at=s.start if s.phase.settled else 0,
            prior_root=s.prior_root or ZERO,
            global_root=r.live[0].root if final else ZERO,
            inputs_hash=r.inputs_hash,
            active=r.active,
            committed=len(r.commits),
            matching=r.naming(s.prior_root),
            revealed=len(r.updates),
            attested=sum(u.attested for u in r.updates),
            total_weight=r.total_weight,
            accepted_mask=_mask(r) if s.attest_over else 0,
            aggregator=r.live[0].proposer if final else NOBODY,
            convicted=r.convicted,
            live=len(r.live),
        )

    def commitment(self, number: int, client: str) -> Commitment:
        c = self.rounds[number].commits.get(client) if number in self.rounds else None
        return Commitment(c.hash, c.prior_root, c.backed) if c else Commitment(ZERO, ZERO, 0)

    def update_index(self, number: int, client: str) -> int:
        """Position of the client's update plus one; 0: it did not reveal."""
        index = self.rounds[number].index_of(client) if number in self.rounds else None
        return 0 if index is None else index + 1

    def updates(self, number: int) -> list[Update]:
        updates = self.rounds[number].updates if number in self.rounds else []
        return [Update(u.client, u.root, u.weight, u.shift, u.attested, u.yes) for u in updates]

    def proposals(self, number: int, limit: int) -> list[Proposal]:
        """The live proposals, oldest first."""
        return self.rounds[number].live[:limit] if number in self.rounds else []

    def proposal(self, number: int, root: bytes) -> Proposal:
        """The live proposal with this root; all zeros if there is none."""
        none = Proposal(NOBODY, ZERO, 0, 0, 0)
        return next((p for p in self.proposals(number, MANY) if p.root == root), none)

    def pages_of(self, number: int, proposer: str) -> int:
        draft = self.rounds[number].drafts.get(proposer) if number in self.rounds else None
        return len(draft.pages) if draft else 0

    def bond_of(self, proposer: str) -> int:
        """The bond that a proposal would cost this account. It grows with each of its own convictions."""
        return self.config.bond_base << min(MAX_BOND_SHIFT, self.convictions.get(proposer, 0))

    def bond_due(self, proposer: str) -> int:
        """The bond that is credited when the account is next settled."""
        due = self._loser(self.bond_round[proposer], proposer) if self._bond_is_settled(proposer) else None
        return due.bond if due else 0

    def _finals_by_now(self) -> list[tuple[int, bytes]]:
        return self.finals + [
            (number, r.live[0].root)
            for number, r in sorted(self.rounds.items())
            if r.settled_at is None and self.status(number).phase == Phase.FINAL
        ]


def _mask(r: Round) -> int:
    return sum(1 << index for index, accepted in enumerate(r.accepted) if accepted)

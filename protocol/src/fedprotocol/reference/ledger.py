"""Settlement: what time has decided becomes state and money."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import Any

from fedprotocol.reference import errors
from fedprotocol.reference.clock import Status, status
from fedprotocol.reference.state import SEATED, Account, Event, Round
from fedprotocol.types import Balances, FederationConfig, PenaltyReason, Phase, Proposal, VoidReason

BPS = 10_000


class Ledger:
    """State and settlement. `now` is the block's timestamp: the caller moves it. `wallets` holds the token balances of
    accounts and of the federation itself (`address`). `log` is what the last call emitted."""

    def __init__(self, config: FederationConfig, *, chain_id: int, address: str, now: int) -> None:
        self.config = config
        self.chain_id = chain_id
        self.address = address
        self.now = now
        self.wallets: defaultdict[str, int] = defaultdict(int)
        self.log: list[Event] = []
        self._balances = Balances(0, 0, 0, 0, 0, 0)  # the federation's wallet holds their sum, always
        self.owed_to: defaultdict[str, int] = defaultdict(int)
        self.accounts: dict[str, Account] = {}
        self.convictions: defaultdict[str, int] = defaultdict(int)
        self.bond_round: dict[str, int] = {}  # by proposer: proposals whose bond is not collected yet
        self.rounds: dict[int, Round] = {}
        # number and root of the last final round that is settled
        self.finals: list[tuple[int, bytes]] = [(0, config.genesis_root)]
        self.closed = False

    # ------------------------------------------------------------------ rounds

    def status(self, number: int) -> Status:
        return status(self.config, self.rounds, number, self.now)

    @property
    def next_round(self) -> int:
        return len(self.rounds) + 1

    def settle_due(self, account: str) -> None:
        """Settle what time has decided, the oldest round first, then what it means for the caller."""
        for number in sorted(self.rounds):
            if self.rounds[number].settled_at is None:
                s = self.status(number)
                if s.phase == Phase.FINAL:
                    self._finalize(number, s.start)
                elif s.phase == Phase.VOID:
                    self._void(number, s.void_reason, s.start)
        self._settle_account(account, account)

    def _finalize(self, number: int, at: int) -> None:
        r = self.rounds[number]
        winner = r.live[0]
        r.settled_at = at
        self.finals.append((number, winner.root))
        if after := self.rounds.get(number + 1):
            after.prior_root, after.prior_at = winner.root, at

        for_aggregator = self.config.round_reward * self.config.aggregator_bps // BPS
        for_clients = sum(self._share(r, index) for index in range(len(r.updates)))
        returned = self.config.round_reward - for_aggregator - for_clients
        self._book(reserved=-self.config.round_reward, pool=returned, owed=for_clients)
        self._credit(winner.proposer, for_aggregator)
        self._emit(
            "RoundFinalized",
            round=number,
            aggregator=winner.proposer,
            root=winner.root,
            at=at,
            aggregator_reward=for_aggregator,
            client_rewards=for_clients,
            returned_to_pool=returned,
        )
        self._return_bond(number, winner)

    def _return_bond(self, number: int, p: Proposal) -> None:
        self._book(bonds=-p.bond)
        self._credit(p.proposer, p.bond)
        self._emit("BondReturned", round=number, proposer=p.proposer, amount=p.bond)

    def _share(self, r: Round, index: int) -> int:
        """What the client of update `index` gets of a final round."""
        update = r.updates[index]
        if not (r.accepted[index] and update.attested):
            return 0
        pot = self.config.round_reward - self.config.round_reward * self.config.aggregator_bps // BPS
        return pot * update.weight // r.total_weight

    def _void(self, number: int, reason: VoidReason, at: int) -> None:
        """A round that becomes void also ends the round that waits for its root."""
        r = self.rounds[number]
        r.settled_at, r.void_reason = at, reason
        self._book(reserved=-self.config.round_reward, pool=self.config.round_reward)
        self._emit("RoundVoided", round=number, reason=reason, at=at, returned_to_pool=self.config.round_reward)
        if number + 1 in self.rounds:
            self._void(number + 1, VoidReason.PRIOR_VOID, at)

    # ---------------------------------------------------------------- accounts

    def _settle_account(self, client: str, by: str) -> None:
        account = self.accounts.get(client)
        while account and account.pending and self.rounds[account.pending[0]].settled_at is not None:
            self._apply(client, account, account.pending.pop(0), by)
        if self._bond_is_settled(client):
            number = self.bond_round.pop(client)
            if due := self._loser(number, client):
                self._return_bond(number, due)

    def _bond_is_settled(self, proposer: str) -> bool:
        number = self.bond_round.get(proposer)
        return number is not None and self.rounds[number].settled_at is not None

    def _loser(self, number: int, proposer: str) -> Proposal | None:
        """Return the bond of a proposal that was neither convicted nor the winner of a settled round. The proposer's
        own call does this."""
        r = self.rounds[number]
        losers = r.live if r.void_reason else r.live[1:]
        return next((p for p in losers if p.proposer == proposer), None)

    def _apply(self, client: str, account: Account, number: int, by: str) -> None:
        """Apply what a settled round means for a client that committed in it. `by`: whose call it is."""
        r = self.rounds[number]
        penalty = self._fault(r, client)
        if penalty is not None:
            self._penalize(client, account, number, penalty, by)
        elif r.void_reason == VoidReason.NONE:
            index = r.index_of(client)
            assert index is not None  # noqa: S101 - otherwise it would have been penalised
            if r.accepted[index]:
                share = self._share(r, index)
                self.owed_to[client] += share  # set aside since the round was settled
                self._emit("Rewarded", round=number, client=client, amount=share)

    def _fault(self, r: Round, client: str) -> PenaltyReason | None:
        if r.void_reason == VoidReason.PRIOR_VOID:
            return None
        if r.commits[client].prior_root != r.prior_root:
            return PenaltyReason.WRONG_PRIOR
        if r.void_reason == VoidReason.TOO_FEW_COMMITS:
            return None
        index = r.index_of(client)
        if index is None:
            return None if self._is_refused(r) else PenaltyReason.NOT_REVEALED
        if r.void_reason == VoidReason.TOO_FEW_REVEALS:
            return None
        own = r.updates[index]
        if not own.attested:
            return PenaltyReason.NOT_ATTESTED
        is_unwanted = 3 * (own.yes - own.weight) < r.total_weight - own.weight
        has_voided = self.config.is_masked and r.void_reason == VoidReason.TOO_FEW_ACCEPTED
        return PenaltyReason.NOT_ACCEPTED if has_voided and is_unwanted else None

    def _is_refused(self, r: Round) -> bool:
        """Whether seats stayed away from a masked round, or most of its members did not reveal: then it is no fault of
        those who did not."""
        commits = r.naming(r.prior_root)
        return self.config.is_masked and (commits < r.active or 2 * len(r.updates) < commits)

    def _costs_seat(self, r: Round, fault: PenaltyReason) -> bool:
        """In a masked federation one seat voids one round."""
        has_voided = fault == PenaltyReason.NOT_REVEALED or r.void_reason == VoidReason.TOO_FEW_ACCEPTED
        return self.config.is_masked and has_voided

    def _penalize(self, client: str, account: Account, number: int, reason: PenaltyReason, by: str) -> None:
        amount = self.config.penalty
        account.stake -= amount
        self._book(stakes=-amount, burned=amount)
        self._emit("Penalized", round=number, client=client, amount=amount, reason=reason)
        if not account.exited and self._costs_seat(self.rounds[number], reason):
            self._unseat(account)
            account.active_until = number + 1  # a round may be open already, and it must not commit there
            self._emit("Dropped", client=client, by=by, active_until=account.active_until)
        elif account.active_until == SEATED and account.stake < self.config.min_stake:
            account.active_until = self.next_round
            self._emit("Suspended", client=client, active_until=account.active_until, stake=account.stake)

    def _unseat(self, account: Account) -> None:
        account.exited = True
        account.active_until = min(account.active_until, self.next_round)

    # ------------------------------------------------------------------- money

    def _credit(self, account: str, amount: int) -> None:
        """Add money to what is owed."""
        self.owed_to[account] += amount
        self._book(owed=amount)

    def _book(self, **changes: int) -> None:
        """Add to the balances that are named, or take from them."""
        amounts = {name: getattr(self._balances, name) + change for name, change in changes.items()}
        self._balances = replace(self._balances, **amounts)

    def _move(self, source: str, target: str, amount: int) -> None:
        if self.wallets[source] < amount:
            raise errors.ERC20InsufficientBalance(source, self.wallets[source], amount)
        self.wallets[source] -= amount
        self.wallets[target] += amount

    def _emit(self, name: str, **args: Any) -> None:
        self.log.append(Event(name, args))

"""The clients that take part, and their money."""

from __future__ import annotations

from collections.abc import Callable

from fedprotocol.reference import errors
from fedprotocol.reference.config import check
from fedprotocol.reference.state import SEATED, Account
from fedprotocol.reference.transaction import call
from fedprotocol.reference.views import Views
from fedprotocol.types import FederationConfig


class Seats(Views):
    def __init__(
        self,
        config: FederationConfig,
        *,
        chain_id: int,
        address: str,
        now: int,
        allowed: Callable[[str], bool | None] | None = None,
        parts: int = 1,
    ) -> None:
        check(config)
        super().__init__(config, chain_id=chain_id, address=address, now=now)
        self.allowed = allowed
        self.parts = parts

    # ------------------------------------------------------------ seats, money

    @call
    def fund(self, sender: str, amount: int) -> None:
        self._require_ongoing()
        if amount == 0:
            raise errors.ZeroAmount
        self._move(sender, self.address, amount)
        self._book(pool=amount)
        self._emit("Funded", **{"from": sender, "amount": amount})

    @call
    def close(self, sender: str) -> None:
        if sender != self.config.sponsor:
            raise errors.NotSponsor(sender)
        free = self._balances.pool
        self._book(pool=-free)
        self.closed = True
        self._credit(sender, free)
        self._emit("Closed", returned_to_sponsor=free)

    @call
    def join(self, sender: str, stake: int) -> None:
        if sender in self.accounts:
            raise errors.WithdrawFirst(sender) if self.accounts[sender].exited else errors.AlreadySeated(sender)
        self._require_ongoing()
        if stake < self.config.min_stake:
            raise errors.StakeTooLow(stake, self.config.min_stake)
        self._require_room()
        if not self._admits(sender):
            raise errors.NotAllowed(sender)
        self._move(sender, self.address, stake)
        self._book(stakes=stake)
        self.accounts[sender] = Account(stake, active_from=self.next_round)
        self._emit("Joined", client=sender, active_from=self.next_round, stake=stake)

    @call
    def add_stake(self, sender: str, amount: int) -> None:
        account = self._seated(sender)
        if amount == 0:
            raise errors.ZeroAmount
        self._move(sender, self.address, amount)
        account.stake += amount
        self._book(stakes=amount)
        self._emit("StakeAdded", client=sender, amount=amount, stake=account.stake)
        if account.active_until != SEATED and account.stake >= self.config.min_stake:
            if account.active_until < self.next_round:  # otherwise it missed no round
                account.active_from = self.next_round
            account.active_until = SEATED
            self._emit("Reactivated", client=sender, active_from=account.active_from, stake=account.stake)

    @call
    def exit(self, sender: str) -> None:
        account = self._seated(sender)
        self._unseat(account)
        self._emit("Exited", client=sender, active_until=account.active_until)

    @call
    def drop(self, sender: str, client: str) -> None:
        self._settle_account(client, sender)
        account = self._seated(client)
        finals = [number for number, _ in self.finals if number > 0]
        is_absent = len(finals) >= 2 and account.active_from <= finals[-2] and account.last_commit < finals[-2]
        if not is_absent and self._admits(client) is not False:
            raise errors.NotDroppable(client)
        self._unseat(account)
        self._emit("Dropped", client=client, by=sender, active_until=account.active_until)

    @call
    def withdraw(self, sender: str) -> None:
        account = self.accounts.get(sender)
        if account is None or not account.exited:
            raise errors.NotExited(sender)
        if account.pending:
            raise errors.StillPending(sender, account.pending[0])
        del self.accounts[sender]
        self._book(stakes=-account.stake)
        self._move(self.address, sender, account.stake)
        self._emit("Withdrawn", client=sender, stake=account.stake)

    @call
    def claim(self, sender: str) -> None:
        amount = self.owed_to.pop(sender, 0)
        if amount == 0:
            raise errors.NothingOwed(sender)
        self._book(owed=-amount)
        self._move(self.address, sender, amount)
        self._emit("Claimed", account=sender, amount=amount)

    @call
    def settle(self, sender: str, account: str) -> None:
        self._settle_account(account, sender)

    def _admits(self, client: str) -> bool | None:
        """What the gate says; None if it does not answer."""
        return True if self.allowed is None else self.allowed(client)

    def _seated(self, client: str) -> Account:
        account = self.accounts.get(client)
        if account is None or account.exited:
            raise errors.NotSeated(client)
        return account

    def _require_room(self) -> None:
        if len(self.clients()) >= self.config.max_clients:
            raise errors.FederationFull(self.config.max_clients)

    def _require_ongoing(self) -> None:
        if self.closed:
            raise errors.FederationClosed
        if len(self.finals) - 1 >= self.config.total_rounds:
            raise errors.FederationComplete

"""The coordinator's money: by its own log, by the token's log, and as both contracts name it at present."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.errors import FedError
from fedprotocol.types import Balances

from fedexplorer.chain_problems import for_visitors
from fedexplorer.follow.transfers import TransferFollower
from fedexplorer.history.books import Books
from fedexplorer.history.equation import Equation, Transfer
from fedexplorer.history.log import Log

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Money:
    """The books by the coordinator's log, and what they are compared with.

    Args:
        books: up to block `block`, like everything else here.
        transfers: to and from the coordinator, by the token's log.
        strange: how many entries of that log look like transfers without having the standard's form.
        held: what the token says that the coordinator has.
        lens: the six sums as the coordinator's own storage has them.
        problem: why the token or the lens could not be asked; empty if they were.
        equation: the balance equation after every block with an event; empty where there is an obstacle.
    """

    books: Books
    block: int
    transfers: tuple[Transfer, ...] = ()
    strange: int = 0
    held: int | None = None
    lens: Balances | None = None
    problem: str = "they were not read yet"
    equation: Equation = field(default_factory=Equation)

    @cached_property
    def by_transfers(self) -> int:
        """The coordinator's balance by the transfers alone."""
        return sum(transfer.amount for transfer in self.transfers)

    @cached_property
    def obstacle(self) -> str:
        """Why the balance of earlier blocks is not known; empty if it is."""
        if self.problem:
            return f"The token's transfers cannot be read: {self.problem}"
        if self.strange:
            return "The token's log has transfers in another form than ERC-20's, so the balance cannot be followed."
        if self.held == self.by_transfers:
            return ""
        if not self.transfers:
            return "The token's log does not have its transfers as ERC-20 wants it, so the balance cannot be followed."
        return (
            "The transfers in the token's log do not add up to the balance that the token names, so the balance of "
            "earlier blocks is not known."
        )


class MoneyFollower:
    """Keeps Money up to date. `path` is the file for the index of transfers; without one it is in memory."""

    def __init__(self, coordinator: Coordinator, path: Path | None = None) -> None:
        self._coordinator = coordinator
        self._path = path
        self._transfers: TransferFollower | None = None
        self._money = Money(Books(), -1)
        self._equation = Equation()
        self._hash: bytes | None = None
        self._said = ""  # in the log

    def close(self) -> None:
        if self._transfers is not None:
            self._transfers.close()

    def look(self, log: Log, block: int, block_hash: bytes | None) -> Money:
        """The money at `block`, to which `log` reaches, and whose hash in that log's chain is `block_hash`. Nothing is
        asked if that is still the same block."""
        if block_hash is not None and block_hash == self._hash:
            return self._money
        money = Money(self._money.books.follow(log), block)
        try:
            money = self._read(money, block_hash)
        except FedError as error:
            if str(error) != self._said:
                logger.warning("the token cannot be asked: %s", error)
            money, self._said = replace(money, problem=for_visitors(error)), str(error)
        if not money.problem:
            self._said = ""
        if not money.obstacle:
            self._equation = self._equation.follow(money.books, money.transfers, log.of_transaction)
            money = replace(money, equation=self._equation)
        self._money, self._hash = money, None if money.problem else block_hash
        return money

    def _read(self, money: Money, block_hash: bytes | None) -> Money:
        if self._transfers is None:
            self._transfers = TransferFollower(self._coordinator, self._path)
        reached = self._transfers.look()
        held = self._coordinator.token.balance_of(self._coordinator.address, money.block)
        lens = self._coordinator.balances(money.block)
        if reached < money.block or self._transfers.hash_of(money.block) != block_hash:
            return replace(money, problem="the chain has just changed")
        transfers, strange = self._transfers.up_to(money.block)
        return replace(money, transfers=transfers, strange=strange, held=held, lens=lens, problem="")

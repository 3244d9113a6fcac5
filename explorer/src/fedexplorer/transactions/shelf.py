"""The transactions and blocks that pages ask for: from memory or from the file, or soon from the chain."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from web3 import Web3

from fedexplorer.chain_problems import for_visitors
from fedexplorer.transactions.contracts import Contracts
from fedexplorer.transactions.desk import Desk
from fedexplorer.transactions.read import Moved, Reader
from fedexplorer.transactions.records import Header, Transaction
from fedexplorer.transactions.table import Mined, Table, TransactionsError

log = logging.getLogger(__name__)

DEEP = 64  # blocks: two epochs of Ethereum, below which no re-org is to be expected
SECONDS_GOOD = 15.0  # how long an answer counts that a new block may change
WORKERS, MOST_WAITING = 2, 4_096
STRANGERS_WAITING = 64  # anybody can make up hashes and numbers: they must not crowd out the federation's own


@dataclass(frozen=True, slots=True)
class Looked:
    """What is known of the transactions that were asked for, by their hashes. `waiting` of them are still to come;
    `trouble` says why, if the last attempt failed."""

    found: dict[bytes, Transaction]
    waiting: int
    trouble: str

    @property
    def asked(self) -> int:
        return len(self.found) + self.waiting


@dataclass(frozen=True, slots=True)
class Soon:
    """It is not known yet, and is being asked for; `trouble` says why, if the last attempt failed."""

    trouble: str


def why(error: Exception) -> str:
    """Why something could not be read, without the name of any machine."""
    return str(error) if isinstance(error, Moved) else for_visitors(error)


class Transactions:
    """Any number of threads may call. No method waits longer than its `patience`, in seconds. Where the file cannot be
    used, it does without, and says so in the log."""

    def __init__(
        self,
        web3: Web3,
        contracts: Contracts,
        path: Path | None,
        head: Callable[[], int],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`path`: the file in which they are kept; None: only in memory. `head`: the number of the newest block that
        is known."""
        self.contracts = contracts
        self._reader, self._table, self._head = Reader(web3, contracts), Table(path), head
        self._said = ""
        self._own: Desk[Mined, Transaction] = Desk(self._fetch, lambda _: math.inf, WORKERS, MOST_WAITING, why, clock)
        self._strange: Desk[bytes, Transaction | None] = Desk(
            self._fetch_strange, self._seconds_good, 1, STRANGERS_WAITING, why, clock
        )
        self._blocks: Desk[int | bytes, Header | None] = Desk(
            self._fetch_block, self._block_good, 1, STRANGERS_WAITING, why, clock
        )

    def close(self) -> None:
        for desk in (self._own, self._strange, self._blocks):
            desk.close()
        self._table.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def look(self, wanted: Sequence[Mined], patience: float = 0.0) -> Looked:
        """Transactions whose blocks the log names."""
        kept: dict[Mined, Transaction] = {}
        with self._without_it():
            kept = self._table.transactions(wanted)
        missing = [key for key in dict.fromkeys(wanted) if key not in kept]
        answers = self._own.ask(missing, patience)
        found = {tx_hash: one for (tx_hash, _), one in (kept | answers.found).items()}
        return Looked(found, answers.waiting, answers.trouble)

    def find(self, tx_hash: bytes, patience: float = 0.0) -> Transaction | Soon | None:
        """A transaction whose block the log does not name, for example because it failed. None: the node does not know
        it."""
        answers = self._strange.ask([tx_hash], patience)
        return answers.found[tx_hash] if answers.found else Soon(answers.trouble)

    def block(self, which: int | bytes, patience: float = 0.0) -> Header | Soon | None:
        """A block, by its hash if the log names it, otherwise by its number. None: the node does not know it."""
        if isinstance(which, bytes):
            with self._without_it():
                if (kept := self._table.block(which)) is not None:
                    return kept
        answers = self._blocks.ask([which], patience)
        return answers.found[which] if answers.found else Soon(answers.trouble)

    # ---------------------------------------------------------------- at the desks

    def _fetch(self, key: Mined) -> Transaction:
        found = self._reader.mined(*key)
        with self._without_it():
            self._table.keep(found)
        return found

    def _fetch_strange(self, tx_hash: bytes) -> Transaction | None:
        return self._reader.find(tx_hash)

    def _fetch_block(self, which: int | bytes) -> Header | None:
        found = self._reader.block(which)
        if found is not None and isinstance(which, bytes):
            with self._without_it():
                self._table.keep_block(found)
        return found

    @contextmanager
    def _without_it(self) -> Iterator[None]:
        try:
            yield
        except TransactionsError as error:
            if str(error) != self._said:
                log.warning("%s", error)
            self._said = str(error)

    def _seconds_good(self, found: Transaction | None) -> float:
        block = None if found is None else found.block
        return math.inf if block is not None and self._head() - block >= DEEP else SECONDS_GOOD

    def _block_good(self, found: Header | None) -> float:
        return math.inf if found is not None and self._head() - found.number >= DEEP else SECONDS_GOOD

"""The event index's file: which blocks were read, and the log entries of one contract in them."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hexbytes import HexBytes
from web3.types import LogReceipt

from fedprotocol.chain.read.blocks import Block
from fedprotocol.chain.read.event_schema import connect
from fedprotocol.errors import FedError
from fedprotocol.files.sqlite_errors import describe_database_error
from fedprotocol.foreign_errors import in_a_line

log = logging.getLogger(__name__)

KEPT = 256  # block hashes: a re-org that replaces them all has everything read anew
TOPIC_BYTES = 32

Identity = tuple[int, str, bytes]
"""Chain id, what the entries are of, hash of block 0."""
Headline = Callable[[LogReceipt], tuple[str, int | None]]


class EventIndexError(FedError):
    """The index file cannot be used."""


class DamagedIndex(EventIndexError):
    """The file was no index, and is gone: all that was in it is on the chain too."""


class EventTable:
    """The log entries of the contract at `address`, in the SQLite file `path` or, if that is None, in memory.
    `headline` reads the name and the round of an entry.

    Any number of processes may share one file; in a process one thread at a time may call. Call every method within
    `in_use`, which says what it raises.
    """

    def __init__(self, address: str, path: Path | None, headline: Headline) -> None:
        self._address = address
        self._path = path
        self._headline = headline
        self._open: sqlite3.Connection | None = None

    def close(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Raises EventIndexError for a file that cannot be used; DamagedIndex if it was damaged, and begins anew."""
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            why = describe_database_error(self._path or Path(), error)
            message = f"the event index {self._path} cannot be used: {why}"
            if type(error) is sqlite3.DatabaseError:
                self._discard()
                raise DamagedIndex(message) from error
            raise EventIndexError(message) from error

    @property
    def db(self) -> sqlite3.Connection:
        if self._open is None:
            if self._path is not None:
                self._path.parent.mkdir(parents=True, exist_ok=True)
            try:
                self._open = connect(str(self._path or ":memory:"))
            except sqlite3.Error:
                raise
            except Exception as error:
                raise EventIndexError(f"the event index {self._path} cannot be opened: {in_a_line(error)}") from error
        return self._open

    # ---------------------------------------------------------------- whose it is

    def identity(self) -> Identity | None:
        """The chain and coordinator whose events are in it; None if it is new."""
        known: Identity | None = self.db.execute("SELECT chain_id, coordinator, genesis FROM identity").fetchone()
        return known

    def begin(self, identity: Identity, first: int) -> None:
        """Forget everything. From now on the table is for `identity`, whose events are read from block `first` on."""
        with self._transaction():
            self._forget()
            self.db.execute("DELETE FROM identity")
            self.db.execute("INSERT INTO identity VALUES (?, ?, ?, ?)", [*identity, first])

    # --------------------------------------------------------------------- blocks

    def head(self) -> Block:
        """The last block that was read."""
        row = self.db.execute("SELECT number, hash FROM blocks ORDER BY number DESC LIMIT 1").fetchone()
        return Block(*row) if row else Block(self.db.execute("SELECT first FROM identity").fetchone()[0] - 1, b"")

    def hash_of(self, number: int) -> bytes | None:
        """The hash of a block that was read; None if it is not kept."""
        row = self.db.execute("SELECT hash FROM blocks WHERE number = ?", [number]).fetchone()
        return row[0] if row else None

    def down_from(self, number: int) -> list[tuple[int, bytes]]:
        """Number and hash of the blocks that are kept up to `number`, the newest first."""
        query = "SELECT number, hash FROM blocks WHERE number <= ? ORDER BY number DESC"
        return self.db.execute(query, [number]).fetchall()

    def append(self, head: Block, block: Block, logs: Iterable[tuple[LogReceipt, int]]) -> bool:
        """Add what is after `head` up to `block`: log entries, each with its block's time. False if another process has
        gone on from `head`."""
        rows = [_row(entry, time, self._headline) for entry, time in logs]
        with self._transaction():
            if self.head()[:2] != head[:2]:
                return False
            self.db.executemany("INSERT OR IGNORE INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
            self.db.execute("INSERT INTO blocks VALUES (?, ?)", [block.number, block.hash])
            self.db.execute(
                "DELETE FROM blocks WHERE number <= (SELECT number FROM blocks ORDER BY number DESC LIMIT 1 OFFSET ?)",
                [KEPT],
            )
            return True

    def forget_after(self, number: int | None) -> None:
        """Forget what is in blocks after `number`; None: everything."""
        with self._transaction():
            if number is None:
                self._forget()
            else:
                self.db.execute("DELETE FROM blocks WHERE number > ?", [number])
                self.db.execute("DELETE FROM events WHERE block > ?", [number])

    # --------------------------------------------------------------------- events

    def entries(
        self,
        names: Sequence[str],
        round_number: int | None,
        to_block: int,
        second: bytes | None,
        after: tuple[int, int],
        limit: int,
    ) -> list[tuple[LogReceipt, int]]:
        """At most `limit` log entries, each with its block's time, in order of the log: those after block and index
        `after`, called one of `names` (if any), of one round, whose second indexed argument is `second`."""
        where = ["block <= ?", "(block, log_index) > (?, ?)"]
        arguments: list[Any] = [to_block, *after]
        if names:
            where.append(f"name IN ({', '.join('?' * len(names))})")
            arguments += names
        if round_number is not None:
            where.append("round = ?")
            arguments.append(round_number)
        if second is not None:
            where.append(f"substr(topics, {2 * TOPIC_BYTES + 1}, {TOPIC_BYTES}) = ?")
            arguments.append(second)
        query = f"SELECT * FROM events WHERE {' AND '.join(where)} ORDER BY block, log_index LIMIT {limit}"  # noqa: S608
        return [_entry(self._address, row) for row in self.db.execute(query, arguments).fetchall()]

    def entry(self, block_hash: bytes, tx_hash: bytes, log_index: int) -> LogReceipt | None:
        """That log entry; None if it is not there."""
        query = "SELECT * FROM events WHERE block_hash = ? AND tx_hash = ? AND log_index = ?"
        row = self.db.execute(query, [block_hash, tx_hash, log_index]).fetchone()
        return _entry(self._address, row)[0] if row else None

    # ------------------------------------------------------------------- plumbing

    def _forget(self) -> None:
        self.db.execute("DELETE FROM blocks")
        self.db.execute("DELETE FROM events")

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self.db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.db.execute("COMMIT")
        except BaseException:
            self.db.execute("ROLLBACK")
            raise

    def _discard(self) -> None:
        self.close()
        if self._path is not None:
            log.warning("the event index %s is damaged: reading all events again", self._path)
            for suffix in ("", "-wal", "-shm"):
                self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)


def _row(entry: LogReceipt, time: int, headline: Headline) -> tuple[Any, ...]:
    name, round_number = headline(entry)
    place = (bytes(entry["blockHash"]), bytes(entry["transactionHash"]), entry["logIndex"], entry["blockNumber"])
    return (*place, time, name, round_number, b"".join(map(bytes, entry["topics"])), bytes(entry["data"]))


def _entry(address: str, row: tuple[Any, ...]) -> tuple[LogReceipt, int]:
    block_hash, tx_hash, log_index, block, time, _, _, topics, data = row
    entry: Any = {
        "address": address,
        "blockHash": HexBytes(block_hash),
        "transactionHash": HexBytes(tx_hash),
        "transactionIndex": 0,
        "logIndex": log_index,
        "blockNumber": block,
        "topics": [HexBytes(topics[i : i + TOPIC_BYTES]) for i in range(0, len(topics), TOPIC_BYTES)],
        "data": HexBytes(data),
    }
    return entry, time

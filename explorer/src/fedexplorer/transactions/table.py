"""The file in which transactions and blocks are kept. All that is in it can be read from the chain again."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from fedprotocol.errors import FedError
from fedprotocol.files.sqlite_errors import describe_database_error
from pydantic import TypeAdapter, ValidationError

from fedexplorer.transactions.records import Header, Transaction

log = logging.getLogger(__name__)

VERSION = 1  # of the tables and of the records in them; a file of another version is made anew
MOST_KEPT = 100_000  # records; the oldest are forgotten, and read again if somebody wants them
_SLACK = 1_000  # records more, so that forgetting is rare
_SCHEMA = f"""
CREATE TABLE records (id INTEGER PRIMARY KEY, tx_hash BLOB NOT NULL, block_hash BLOB NOT NULL, record TEXT NOT NULL,
  UNIQUE (tx_hash, block_hash)) STRICT;
PRAGMA user_version = {VERSION};
"""

T = TypeVar("T")
Mined = tuple[bytes, bytes]
"""Hash of a transaction, hash of the block that it is in. After a re-org it may be in another block, and end
differently there; so nothing wrong can be left here."""

_NO_TX = b""  # in the place of a transaction, for the block itself

_TRANSACTION, _HEADER = TypeAdapter(Transaction), TypeAdapter(Header)


class TransactionsError(FedError):
    """The file of transactions cannot be used."""


class Table:
    """Transactions and blocks in the SQLite file `path`, or in memory. Any number of threads may call.

    Errors of every method: TransactionsError. A damaged file is begun anew.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._open: sqlite3.Connection | None = None
        self._is_closed = False

    def close(self) -> None:
        """From now on nothing is kept any more; threads may still be fetching."""
        with self._lock:
            self._is_closed = True
            self._close()

    def transactions(self, wanted: Iterable[Mined]) -> dict[Mined, Transaction]:
        """The members of `wanted` that are kept."""
        with self._using() as db:
            found = ((key, _kept(db, _TRANSACTION, *key)) for key in wanted)
            return {key: record for key, record in found if record is not None}

    def block(self, block_hash: bytes) -> Header | None:
        """The block of this hash, if it is kept."""
        with self._using() as db:
            return _kept(db, _HEADER, _NO_TX, block_hash)

    def keep(self, mined: Transaction) -> None:
        """Keep a transaction that is in a block."""
        if mined.block_hash is None:
            raise ValueError("a transaction that is in no block may change")
        self._write(mined.hash, mined.block_hash, _TRANSACTION.dump_json(mined))

    def keep_block(self, header: Header) -> None:
        self._write(_NO_TX, header.hash, _HEADER.dump_json(header))

    # ------------------------------------------------------------------ plumbing

    def _write(self, tx_hash: bytes, block_hash: bytes, record: bytes) -> None:
        if self._is_closed:
            return
        with self._using() as db:
            row = [tx_hash, block_hash, record.decode()]
            place = db.execute("INSERT OR REPLACE INTO records VALUES (NULL, ?, ?, ?)", row).lastrowid or 0
            if place % _SLACK == 0:
                db.execute("DELETE FROM records WHERE id <= ?", [place - MOST_KEPT])

    @contextmanager
    def _using(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                yield self._connection()
            except (sqlite3.Error, OSError) as error:
                why = describe_database_error(self._path or Path(), error)
                if type(error) is sqlite3.DatabaseError:
                    self._discard()
                raise TransactionsError(f"the file of transactions {self._path} cannot be used: {why}") from error

    def _connection(self) -> sqlite3.Connection:
        if self._open is not None:
            return self._open
        if self._path is not None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
        db = self._ours()
        if db is None:
            self._discard()
            db = self._connect()
            db.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} COMMIT;")
        self._open = db
        return db

    def _ours(self) -> sqlite3.Connection | None:
        """The file as it is; None if it is new, or of another version, or no database."""
        try:
            db = self._connect()
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError:
            return None
        if db.execute("PRAGMA user_version").fetchone()[0] == VERSION:
            return db
        db.close()
        return None

    def _connect(self) -> sqlite3.Connection:
        name = str(self._path or ":memory:")
        db = sqlite3.connect(name, isolation_level=None, check_same_thread=False, timeout=5.0)
        try:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = OFF")  # what a crash may lose or damage is read again
        except BaseException:
            db.close()
            raise
        return db

    def _discard(self) -> None:
        self._close()
        if self._path is not None:
            for suffix in ("", "-wal", "-shm"):
                self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)

    def _close(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None


def _kept(db: sqlite3.Connection, adapter: TypeAdapter[T], tx_hash: bytes, block_hash: bytes) -> T | None:
    """A record; None if there is none, or it is not one of this version."""
    query = "SELECT record FROM records WHERE tx_hash = ? AND block_hash = ?"
    row = db.execute(query, [tx_hash, block_hash]).fetchone()
    if row is None:
        return None
    try:
        return adapter.validate_json(row[0])
    except ValidationError:
        log.warning("a record in the file of transactions cannot be read: it is fetched again")
        return None

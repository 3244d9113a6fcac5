"""What a program must not forget (SQLite, used by one process at a time). What a program is going to do is written here
before it does it.

A write is on the disk when the method returns (WAL, synchronous=FULL), so nothing is lost if the program is killed at
any moment: salt and root are here before the commit is sent, and a signed transaction is here before it is broadcast.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from fedprotocol.errors import FedError
from fedprotocol.files.filesystem import has_open
from fedprotocol.files.private import close_to_others
from fedprotocol.files.sqlite_errors import describe_database_error
from fedprotocol.files.whole import sync_folder
from fedprotocol.journal.schema import APPLICATION_ID, VERSION, create, migrate, versions

log = logging.getLogger(__name__)

WAIT_SECONDS = 5.0  # seconds to wait for a lock that another process has on the database

TxState = Literal["open", "mined", "reverted", "replaced", "lost"]


class JournalError(FedError):
    """The journal cannot be read or written."""


class JournalLocked(JournalError):
    """Another process has this journal open. `pid`: its process id; None if it cannot be seen from here, for example
    because it runs on another machine or in another container."""

    def __init__(self, path: Path, pid: int | None) -> None:
        self.pid = pid
        who = f"another process (pid {pid})" if pid else "a process in another container or on another machine"
        super().__init__(f"the journal {path} is in use by {who}: stop that one first, or choose another home")


class JournalVersion(JournalError):
    """The journal was written by another version of this program."""

    needs_person = True


class JournalForeign(JournalError):
    """The journal belongs to another federation or account."""

    needs_person = True


@dataclass(frozen=True)
class UpdateRecord:
    """Everything that is needed to reveal a commitment. Roots and salt have 32 bytes; losses are in units of 1e-6, as
    on the chain."""

    round: int
    prior_root: bytes
    root: bytes
    shift: int
    examples: int
    salt: bytes
    car: Path
    loss_before: int
    loss_after: int
    clipped: int  # number of values that were clipped when they were encoded


@dataclass(frozen=True)
class OutboxTx:
    """One signed transaction. Its replacements have the same nonce. Fees are in wei for each unit of gas.

    state: open until its nonce is used; then mined or reverted (in `block`), replaced (another with this nonce was
    mined) or lost (it never will be mined).
    deadline: the chain time of the first block in which it is too late; None if there is no deadline.
    """

    hash: bytes
    chain_id: int
    sender: str
    nonce: int
    label: str
    to: str
    data: bytes
    gas: int
    max_fee: int
    tip: int
    raw: bytes
    state: TxState = "open"
    block: int | None = None
    deadline: int | None = None


class Journal:
    """The journal in `path`, made if it is not there. Close it, or use it in `with`.

    Args:
        read_only: only read the journal, which is possible while its owner runs; every write then fails.

    Raises:
        JournalLocked: another process has it open.
        JournalVersion: it has a newer version, or it has an older one and is opened read-only. An older journal that is
            opened for writing is brought up to this program's version.
        JournalError: no journal, not readable, damaged, or the disk is full (also from every method).
    """

    def __init__(self, path: Path, read_only: bool = False) -> None:
        self.path = path
        self._lock: int | None = None
        if read_only and not path.is_file():
            raise JournalError(f"there is no journal {path} yet")
        with self._wrapped():
            if not read_only:
                path.parent.mkdir(parents=True, exist_ok=True)
                self._lock = _lock(path)
        try:
            with self._wrapped():
                self._db = self._open(read_only)
        except JournalError:
            self._release()
            raise

    def close(self) -> None:
        self._db.close()
        self._release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def bind(self, chain_id: int, coordinator: str, account: str) -> None:
        """Write down whose journal this is. Raises JournalForeign if it belongs to somebody else."""
        identity = f"chain {chain_id}, coordinator {coordinator}, account {account}"
        bound = self.recall("journal.identity")
        if bound is None:
            self.note("journal.identity", identity)
        elif bound != identity:
            raise JournalForeign(f"the journal {self.path} belongs to {bound}, not to {identity}: choose another home")

    # ---------------------------------------------------------------- updates

    def save_update(self, record: UpdateRecord) -> None:
        """Keep `record`. An earlier record of the round stays, because the commitment on the chain may belong to that
        one."""
        values = [self._stored(v) if isinstance(v, Path) else v for v in astuple(record)]
        self._execute("INSERT INTO updates VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", values)

    def update(self, round_number: int) -> UpdateRecord | None:
        """The newest record of the round."""
        return next(iter(self.updates(round_number)), None)

    def updates(self, round_number: int) -> tuple[UpdateRecord, ...]:
        """Every record of the round, newest first."""
        rows = self._execute("SELECT * FROM updates WHERE round = ? ORDER BY id DESC", [round_number])
        known = [{f.name: row[f.name] for f in fields(UpdateRecord)} for row in rows]
        return tuple(UpdateRecord(**{**values, "car": self.path.parent / values["car"]}) for values in known)

    def _stored(self, path: Path) -> str:
        """What lies beside the journal is named from there: the folder may go to another place or machine."""
        folder = self.path.parent
        return str(path.relative_to(folder) if path.is_relative_to(folder) else path)

    # ------------------------------------------------------------------ facts

    def note(self, key: str, value: Any) -> None:
        """Remember a JSON value under `key`; it replaces an earlier value."""
        self._execute(
            "INSERT INTO facts VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            [key, json.dumps(value, allow_nan=False)],
        )

    def recall(self, key: str, default: Any = None) -> Any:
        rows = self._execute("SELECT value FROM facts WHERE key = ?", [key])
        with self._wrapped():
            return json.loads(rows[0]["value"]) if rows else default

    def forget(self, key: str) -> None:
        self._execute("DELETE FROM facts WHERE key = ?", [key])

    def scrub(self) -> None:
        """Take what was replaced or deleted off the disk: what SQLite deletes is overwritten with zeros, and this
        empties the log that still holds it. Raises JournalError while another process reads the journal."""
        busy = self._execute("PRAGMA wal_checkpoint(TRUNCATE)", [])[0][0]
        if busy:
            raise JournalError(
                f"what was deleted cannot be taken off the disk while another process reads {self.path}: end that one"
            )

    # ----------------------------------------------------------------- outbox

    def outbox_add(self, tx: OutboxTx) -> None:
        """Add a transaction. It may have been here before: what a re-org dropped may be signed again, with the same
        bytes."""
        self._execute("REPLACE INTO outbox VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", list(astuple(tx)))

    def outbox_open(self, chain_id: int, sender: str) -> list[OutboxTx]:
        """All transactions that may still be mined, by nonce, oldest first."""
        rows = self._execute(
            "SELECT * FROM outbox WHERE chain_id = ? AND sender = ? AND state = 'open' ORDER BY nonce, rowid",
            [chain_id, sender],
        )
        return [OutboxTx(*row) for row in rows]

    def outbox_mined(self, chain_id: int, sender: str, nonce: int) -> OutboxTx | None:
        """The transaction with this nonce that was last seen in a block, successful or not."""
        rows = self._execute(
            "SELECT * FROM outbox WHERE chain_id = ? AND sender = ? AND nonce = ? AND state IN ('mined', 'reverted') "
            "ORDER BY rowid DESC LIMIT 1",
            [chain_id, sender, nonce],
        )
        return OutboxTx(*rows[0]) if rows else None

    def outbox_lost(self, chain_id: int, sender: str, nonce: int) -> list[OutboxTx]:
        """The transactions with this nonce that were given up, oldest first."""
        rows = self._execute(
            "SELECT * FROM outbox WHERE chain_id = ? AND sender = ? AND nonce = ? AND state = 'lost' ORDER BY rowid",
            [chain_id, sender, nonce],
        )
        return [OutboxTx(*row) for row in rows]

    def outbox_labelled(self, start: str) -> list[OutboxTx]:
        """Whatever was mined or may still be, and whose label begins with `start`, oldest first; of the replacements of
        one transaction the newest. What only takes a nonce has another label."""
        rows = self._execute(
            "SELECT * FROM outbox WHERE substr(label, 1, length(?)) = ? AND state IN ('open', 'mined') ORDER BY rowid",
            [start, start],
        )
        return list({(tx.label, tx.nonce): tx for tx in (OutboxTx(*row) for row in rows)}.values())

    def outbox_all(self) -> list[OutboxTx]:
        """All transactions that were ever sent, oldest first."""
        return [OutboxTx(*row) for row in self._execute("SELECT * FROM outbox ORDER BY rowid", [])]

    def outbox_close(self, tx_hash: bytes, state: TxState, block: int | None = None) -> None:
        """Write down how a transaction ended. If it was mined or reverted, the others with its nonce end as replaced,
        even those that were in a block which a re-org dropped."""
        self._execute(
            "UPDATE outbox SET state = iif(hash = :hash, :state, 'replaced'), block = iif(hash = :hash, :block, NULL) "
            "WHERE hash = :hash OR (:state IN ('mined', 'reverted') AND state != 'lost' AND (chain_id, sender, nonce) "
            "= (SELECT chain_id, sender, nonce FROM outbox WHERE hash = :hash))",
            {"hash": tx_hash, "state": state, "block": block},
        )

    def outbox_reopen(self, tx_hash: bytes) -> None:
        """Open it again, because a re-org dropped the block that it was in."""
        self._execute("UPDATE outbox SET state = 'open', block = NULL WHERE hash = ?", [tx_hash])

    # ---------------------------------------------------------------- plumbing

    def _execute(self, statement: str, values: list[Any] | dict[str, Any]) -> list[sqlite3.Row]:
        with self._wrapped():
            return self._db.execute(statement, values).fetchall()

    def _release(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _open(self, read_only: bool) -> sqlite3.Connection:
        if not read_only:
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))  # the file will hold salts
            for suffix in ("", "-wal", "-shm"):  # SQLite gives the files that it makes the mode of the first one
                with suppress(FileNotFoundError):
                    close_to_others(self.path.with_name(self.path.name + suffix))
        uri = f"{self.path.resolve().as_uri()}?mode={'ro' if read_only else 'rw'}"
        # sqlite3 is built to be used by several threads, so a worker thread may write down what it did.
        db = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False, timeout=WAIT_SECONDS)
        try:
            db.row_factory = sqlite3.Row
            if not read_only:
                db.execute("PRAGMA journal_mode = WAL")
                db.execute("PRAGMA synchronous = FULL")
                db.execute("PRAGMA secure_delete = ON")
                # an empty file: it is new, or the program was killed while it made it
                if db.execute("PRAGMA schema_version").fetchone()[0] == 0:
                    create(db)
                    sync_folder(self.path.parent)
            self._check(db, read_only)
        except BaseException:
            db.close()
            raise
        return db

    def _check(self, db: sqlite3.Connection, read_only: bool) -> None:
        application, version = versions(db)
        if application != APPLICATION_ID or version < 1:
            raise JournalError(f"{self.path} is no journal of this program: choose another file")
        if version > VERSION:
            raise JournalVersion(
                f"the journal {self.path} is of version {version}, this program knows versions up to {VERSION}: "
                "use the newer program that wrote it"
            )
        if version < VERSION and read_only:
            raise JournalVersion(
                f"the journal {self.path} is of the older version {version}: start its owner once, which brings it "
                f"to version {VERSION}"
            )
        if version < VERSION:
            try:
                migrate(db, version)
            except sqlite3.Error as error:
                raise JournalError(
                    f"the journal {self.path} of version {version} cannot be brought to version {VERSION}: {error}; "
                    "the step that failed was taken back"
                ) from error
            log.info("the journal %s was brought from version %d to %d", self.path, version, VERSION)

    @contextmanager
    def _wrapped(self) -> Iterator[None]:
        try:
            yield
        except FedError:
            raise
        except Exception as error:
            raise JournalError(
                f"the journal {self.path} cannot be used: {describe_database_error(self.path, error)}"
            ) from error


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Prevent the journal's owner from running meanwhile. The journal `path` is neither opened nor made.

    Raises JournalLocked.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = _lock(path)
    try:
        yield
    finally:
        os.close(lock)


def _lock(journal: Path) -> int:
    path = journal.with_name(journal.name + ".lock")
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        owner = os.read(lock, 32).decode(errors="replace").strip()
        os.close(lock)
        raise JournalLocked(journal, int(owner) if owner.isdecimal() and has_open(int(owner), path) else None) from None
    os.ftruncate(lock, 0)
    os.pwrite(lock, str(os.getpid()).encode(), 0)
    return lock

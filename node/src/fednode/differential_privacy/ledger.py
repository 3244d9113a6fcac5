"""The ledger: every training with noise that this site's rows went through, on disk. Nothing is ever taken off it.

A SQLite file. An entry is on the disk when `charge` returns (synchronous=FULL), which is before the update is written
anywhere. Several nodes may share one ledger, if they train on the same rows.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from pathlib import Path

from fedprotocol.errors import FedError
from fedprotocol.files.private import close_to_others
from fedprotocol.files.sqlite_errors import describe_database_error
from fedprotocol.files.whole import sync_folder

from fednode.differential_privacy.accountant import Cost

APPLICATION_ID = 0x46454450  # "FEDP"
VERSION = 1
WAIT_SECONDS = 10.0  # for a lock that another node has

_TABLE = (
    "CREATE TABLE spent (id INTEGER PRIMARY KEY, federation TEXT NOT NULL, round INTEGER NOT NULL, "
    "prior_root BLOB NOT NULL, rows INTEGER NOT NULL, noise REAL NOT NULL, clip REAL NOT NULL, rate REAL NOT NULL, "
    "steps INTEGER NOT NULL, delta REAL NOT NULL, epsilon REAL NOT NULL, at INTEGER NOT NULL) STRICT"
)
_COLUMNS = "federation, round, prior_root, rows, noise, clip, rate, steps, delta, epsilon, at"


class LedgerError(FedError):
    """The ledger cannot be read or written."""


@dataclass(frozen=True)
class Entry:
    """One training. `federation`: chain id and coordinator; `rows`: those of the data; `epsilon`: of all entries up to
    this one, at `delta`; `at`: seconds since 1970."""

    federation: str
    round: int
    prior_root: bytes
    rows: int
    noise: float
    clip: float
    rate: float
    steps: int
    delta: float
    epsilon: float
    at: int

    @property
    def cost(self) -> Cost:
        return Cost(self.noise, self.rate, self.steps)


class Ledger:
    """The ledger in `path`. Every call opens the file anew, so it may be used from any thread.

    Raises LedgerError: it cannot be read or written, or is another file (from every method).
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def entries(self) -> tuple[Entry, ...]:
        """All of them, oldest first; none if there is no file yet. Writes nothing."""
        if not self.path.exists():
            return ()
        with self._opened("ro") as db:
            return _read(db)

    def last(self) -> Entry | None:
        """The newest one."""
        return next(reversed(self.entries()), None)

    def charge(self, make: Callable[[Sequence[Entry]], Entry]) -> Entry:
        """Add the entry that `make` makes of those before it, and return it. What `make` raises is raised, and nothing
        is added. If another node adds one meanwhile, `make` is called again."""
        with self._wrapped():
            self.path.parent.mkdir(parents=True, exist_ok=True)
        while True:
            with self._opened("rwc") as db:
                before = _read(db)
            entry = make(before)
            with self._opened("rw") as db:
                db.execute("BEGIN IMMEDIATE")
                if db.execute("SELECT count(*) FROM spent").fetchone()[0] == len(before):
                    db.execute(
                        f"INSERT INTO spent ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
                        astuple(entry),
                    )
                    db.execute("COMMIT")
                    return entry
                db.execute("ROLLBACK")

    @contextmanager
    def _opened(self, mode: str) -> Iterator[sqlite3.Connection]:
        with self._wrapped():
            uri = f"{self.path.resolve().as_uri()}?mode={mode}"
            db = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=WAIT_SECONDS)
            try:
                if mode != "ro":
                    close_to_others(self.path)
                    db.execute("PRAGMA synchronous = FULL")
                self._check(db, mode)
                yield db
            finally:
                db.close()

    def _check(self, db: sqlite3.Connection, mode: str) -> None:
        if mode == "rwc":
            db.execute("BEGIN IMMEDIATE")
            if db.execute("PRAGMA schema_version").fetchone()[0] == 0:
                db.execute(_TABLE)
                db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                db.execute(f"PRAGMA user_version = {VERSION}")
                db.execute("COMMIT")
                sync_folder(self.path.parent)
            else:
                db.execute("ROLLBACK")
        found = tuple(db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version"))
        if found != (APPLICATION_ID, VERSION):
            raise LedgerError(
                f"{self.path} is no privacy ledger that this program knows: name another file in privacy.ledger"
            )

    @contextmanager
    def _wrapped(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            why = describe_database_error(self.path, error)
            raise LedgerError(f"the privacy ledger {self.path} cannot be used: {why}") from error


def _read(db: sqlite3.Connection) -> tuple[Entry, ...]:
    return tuple(Entry(*row) for row in db.execute(f"SELECT {_COLUMNS} FROM spent ORDER BY id"))  # noqa: S608

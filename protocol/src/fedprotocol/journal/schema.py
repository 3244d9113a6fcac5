"""The journal's tables, and the steps that bring an older journal to them."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence

APPLICATION_ID = 0x46454451  # "FEDQ", so that another SQLite file is not taken for a journal
VERSION = 2

SCHEMA = (
    "CREATE TABLE updates (id INTEGER PRIMARY KEY, round INTEGER NOT NULL, prior_root BLOB NOT NULL, "
    "root BLOB NOT NULL, shift INTEGER NOT NULL, examples INTEGER NOT NULL, salt BLOB NOT NULL, car TEXT NOT NULL, "
    "loss_before INTEGER NOT NULL, loss_after INTEGER NOT NULL, clipped INTEGER NOT NULL) STRICT",
    "CREATE INDEX updates_by_round ON updates (round)",
    "CREATE TABLE facts (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT",
    "CREATE TABLE outbox (hash BLOB PRIMARY KEY, chain_id INTEGER NOT NULL, sender TEXT NOT NULL, "
    "nonce INTEGER NOT NULL, label TEXT NOT NULL, destination TEXT NOT NULL, data BLOB NOT NULL, gas INTEGER NOT NULL, "
    "max_fee INTEGER NOT NULL, tip INTEGER NOT NULL, raw BLOB NOT NULL, "
    "state TEXT NOT NULL CHECK (state IN ('open', 'mined', 'reverted', 'replaced', 'lost')), block INTEGER, "
    "deadline INTEGER) STRICT",
    "CREATE INDEX outbox_by_nonce ON outbox (chain_id, sender, nonce)",
)

Steps = Mapping[int, Sequence[str]]

STEPS: Steps = {
    1: (
        "ALTER TABLE outbox ADD COLUMN deadline INTEGER",
        # These rows did not say to which inputs they belong. The daemons compute them again.
        "DELETE FROM facts WHERE key IN ('recomputed', 'judged', 'evaluated')",
    ),
}
"""Version -> the statements that lead to the next one."""


def create(db: sqlite3.Connection) -> None:
    """Make all tables in a database that has none yet; if this fails, none is made."""
    _apply(db, SCHEMA, VERSION)


def versions(db: sqlite3.Connection) -> tuple[int, int]:
    """The application id and the version that the file names."""
    application, version = (int(db.execute(f"PRAGMA {p}").fetchone()[0]) for p in ("application_id", "user_version"))
    return application, version


def migrate(db: sqlite3.Connection, version: int, steps: Steps = STEPS) -> None:
    """Bring a journal of an older `version` up to date, with one transaction for each step. If a step fails or is
    killed, the journal is left whole, in the version before it. No copy is kept, because an old copy of a journal is
    worse than none.

    Raises sqlite3.Error.
    """
    for before in range(version, max(steps) + 1):
        _apply(db, steps[before], before + 1)


def _apply(db: sqlite3.Connection, statements: Sequence[str], version: int) -> None:
    db.execute("BEGIN IMMEDIATE")
    try:
        for statement in statements:
            db.execute(statement)
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute(f"PRAGMA user_version = {version}")
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise

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
        # These did not say of which inputs they are: the daemons find them out again.
        "DELETE FROM facts WHERE key IN ('recomputed', 'judged', 'evaluated')",
    ),
}
"""Version -> the statements that lead to the next one."""


def create(db: sqlite3.Connection) -> None:
    """All tables, in a database that has none yet; all or nothing."""
    _apply(db, SCHEMA, VERSION)


def versions(db: sqlite3.Connection) -> tuple[int, int]:
    """Application id and version that the file says it is of."""
    application, version = (int(db.execute(f"PRAGMA {p}").fetchone()[0]) for p in ("application_id", "user_version"))
    return application, version


def migrate(db: sqlite3.Connection, version: int, steps: Steps = STEPS) -> None:
    """Bring a journal of an older `version` up to date, a transaction a step: one that fails or is killed leaves the
    version before it, whole. No copy is kept, for an old copy of a journal is worse than none.

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

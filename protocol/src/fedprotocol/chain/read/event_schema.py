"""The tables of the event index, in SQLite."""

from __future__ import annotations

import sqlite3

_SCHEMA = """
CREATE TABLE IF NOT EXISTS identity (chain_id INTEGER NOT NULL, coordinator TEXT NOT NULL, genesis BLOB NOT NULL,
  first INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS blocks (number INTEGER PRIMARY KEY, hash BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS events (
  block_hash BLOB NOT NULL, tx_hash BLOB NOT NULL, log_index INTEGER NOT NULL, block INTEGER NOT NULL,
  time INTEGER NOT NULL, name TEXT NOT NULL, round INTEGER, topics BLOB NOT NULL, data BLOB NOT NULL,
  PRIMARY KEY (block_hash, tx_hash, log_index)
) STRICT;
CREATE INDEX IF NOT EXISTS events_by_block ON events (block, log_index);
CREATE INDEX IF NOT EXISTS events_by_round ON events (round, name);
PRAGMA user_version = 1;
"""


def connect(name: str) -> sqlite3.Connection:
    """Open the file `name`, or ":memory:"; any number of threads and processes may use it. Raises sqlite3.Error."""
    db = sqlite3.connect(name, isolation_level=None, check_same_thread=False, timeout=30.0)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        if db.execute("PRAGMA user_version").fetchone()[0] == 0:
            db.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} COMMIT;")
    except BaseException:
        db.close()
        raise
    return db

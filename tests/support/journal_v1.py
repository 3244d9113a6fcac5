"""A journal as the program wrote it in version 1, with one of everything."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

SCHEMA = """
CREATE TABLE updates (
  id INTEGER PRIMARY KEY, round INTEGER NOT NULL, prior_root BLOB NOT NULL, root BLOB NOT NULL, shift INTEGER NOT NULL,
  examples INTEGER NOT NULL, salt BLOB NOT NULL, car TEXT NOT NULL, loss_before INTEGER NOT NULL,
  loss_after INTEGER NOT NULL, clipped INTEGER NOT NULL
) STRICT;
CREATE INDEX updates_by_round ON updates (round);
CREATE TABLE facts (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE outbox (
  hash BLOB PRIMARY KEY, chain_id INTEGER NOT NULL, sender TEXT NOT NULL, nonce INTEGER NOT NULL, label TEXT NOT NULL,
  destination TEXT NOT NULL, data BLOB NOT NULL, gas INTEGER NOT NULL, max_fee INTEGER NOT NULL, tip INTEGER NOT NULL,
  raw BLOB NOT NULL, state TEXT NOT NULL CHECK (state IN ('open', 'mined', 'reverted', 'replaced', 'lost')),
  block INTEGER
) STRICT;
CREATE INDEX outbox_by_nonce ON outbox (chain_id, sender, nonce);
PRAGMA application_id = 1178944593;
PRAGMA user_version = 1;
"""
FACTS = {
    "journal.identity": "chain 31337, coordinator 0xC0, account 0xA",
    "recomputed": {"1": "aa" * 32},
    "judged": [{"round": 1, "root": "bb" * 32, "finding": ""}],
    "evaluated": [0, 1],
    "fetched": {"0": "cc" * 32},
    "checked": {"1": {"inputs_hash": "dd" * 32, "verdicts": {"0": "good"}}},
    "train_seconds": 2.5,
}
UPDATE = (3, b"p" * 32, b"r" * 32, 12, 64, b"s" * 32, "/home/node/updates/3.car", 4_170_000, 460_000, 0)
TRANSACTION = (b"h" * 32, 31337, "0xA", 7, "commit", "0xB", b"\0", 100_000, 2**60, 5, b"\x02raw", "open", None)


def write(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    db = sqlite3.connect(path)
    db.execute("PRAGMA journal_mode = WAL")
    db.executescript(SCHEMA)
    db.executemany("INSERT INTO facts VALUES (?, ?)", [(key, json.dumps(value)) for key, value in FACTS.items()])
    db.execute("INSERT INTO updates VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", UPDATE)
    db.execute("INSERT INTO outbox VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", TRANSACTION)
    db.commit()
    db.close()

"""An older journal is brought up to date: whole, or not at all."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from fedprotocol.journal import Journal, JournalError, JournalVersion, OutboxTx, UpdateRecord
from fedprotocol.journal.schema import STEPS, VERSION, migrate, versions
from support import journal_v1


@pytest.fixture
def old(tmp_path: Path) -> Path:
    path = tmp_path / "home" / "journal.sqlite"
    journal_v1.write(path)
    return path


def dump(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as db:
        return [*db.iterdump(), str(versions(db))]


def tables(path: Path) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as db:
        names = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return [(name, *row[1:]) for name in sorted(names) for row in db.execute(f"PRAGMA table_info({name})")]


def test_version_1_goes_on_where_it_was(old: Path) -> None:
    with Journal(old) as journal:
        *numbers, salt, car, before, after, clipped = journal_v1.UPDATE
        assert journal.update(3) == UpdateRecord(*numbers, salt, Path(str(car)), before, after, clipped)  # type: ignore[arg-type]
        [tx] = journal.outbox_open(31337, "0xA")
        assert tx == OutboxTx(*journal_v1.TRANSACTION, None)  # type: ignore[arg-type]
        assert journal.recall("fetched") == journal_v1.FACTS["fetched"]
        assert journal.recall("checked") == journal_v1.FACTS["checked"]
        assert [journal.recall(key) for key in ("recomputed", "judged", "evaluated")] == [None] * 3
        journal.bind(31337, "0xC0", "0xA")
    with Journal(old, read_only=True) as journal:
        assert journal.recall("train_seconds") == 2.5


def test_an_upgraded_journal_has_the_tables_of_a_new_one(old: Path, tmp_path: Path) -> None:
    Journal(old).close()
    Journal(tmp_path / "new").close()
    assert tables(old) == tables(tmp_path / "new")
    assert sorted(STEPS) == list(range(1, VERSION))


def test_looking_at_an_older_one_changes_nothing(old: Path) -> None:
    before = dump(old)
    with pytest.raises(JournalVersion, match=f"version 1: start its owner once, which brings it to version {VERSION}"):
        Journal(old, read_only=True)
    assert dump(old) == before


def test_a_step_that_fails_takes_back_what_it_did(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = dump(old)
    broken = {1: ("ALTER TABLE outbox ADD COLUMN wrong TEXT", "DELETE FROM facts", "INSERT INTO nowhere VALUES (1)")}
    with monkeypatch.context() as patch:
        patch.setattr("fedprotocol.journal.journal.migrate", lambda db, version: migrate(db, version, broken))
        with pytest.raises(JournalError, match=f"version 1 cannot be brought to version {VERSION}: .*nowhere"):
            Journal(old)
    assert dump(old) == before
    with Journal(old) as journal:  # the lock was given back, and the right steps work
        assert journal.update(3) is not None


def test_steps_are_taken_in_order_each_by_itself(old: Path) -> None:
    steps = {
        1: ("CREATE TABLE a (x)",),
        2: ("INSERT INTO a VALUES (2)",),
        3: ("INSERT INTO a VALUES (3)", "INSERT INTO nowhere VALUES (1)"),
        4: ("DROP TABLE a",),
    }
    with closing(sqlite3.connect(old, isolation_level=None)) as db:
        with pytest.raises(sqlite3.Error, match="nowhere"):
            migrate(db, 1, steps)
        assert versions(db)[1] == 3
        assert db.execute("SELECT x FROM a").fetchall() == [(2,)]
        migrate(db, 3, {**steps, 3: ("INSERT INTO a VALUES (3)",), 4: ()})
        assert versions(db)[1] == 5
        assert db.execute("SELECT x FROM a").fetchall() == [(2,), (3,)]


CHILD = """
import os, signal, sqlite3, sys
from fedprotocol.journal.schema import migrate
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.create_function("die", 0, lambda: os.kill(os.getpid(), signal.SIGKILL))
migrate(db, 1, {1: ("DELETE FROM facts", "DELETE FROM updates", "SELECT die()")})
"""


@pytest.mark.process
def test_killed_in_the_middle_of_a_step(old: Path) -> None:
    before = dump(old)
    child = subprocess.run([sys.executable, "-c", CHILD, str(old)], capture_output=True, text=True)
    assert child.returncode == -signal.SIGKILL, child.stderr
    assert dump(old) == before
    with Journal(old) as journal:
        assert journal.update(3) is not None

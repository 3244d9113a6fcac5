"""The journal: one process a file, everything on the disk, kill -9 at any moment."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fedprotocol.journal import (
    Journal,
    JournalError,
    JournalForeign,
    JournalLocked,
    JournalVersion,
    OutboxTx,
    UpdateRecord,
)
from fedprotocol.journal.schema import VERSION

RECORD = UpdateRecord(
    round=3,
    prior_root=b"p" * 32,
    root=b"r" * 32,
    shift=12,
    examples=2**32 - 1,
    salt=os.urandom(32),
    car=Path("/home/node/updates/3 ü.car"),
    loss_before=4_170_000,
    loss_after=460_000,
    clipped=0,
)
TX = OutboxTx(
    hash=b"h" * 32,
    chain_id=31337,
    sender="0xA",
    nonce=7,
    label="commit round 3",
    to="0xB",
    data=b"\x00\xff",
    gas=100_000,
    max_fee=2**60,
    tip=5,
    raw=b"\x02raw",
    deadline=2**40,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "journal.sqlite"


def test_remembers_across_a_restart(path: Path) -> None:
    with Journal(path) as journal:
        assert journal.update(3) is None
        journal.save_update(RECORD)
        journal.note("attest/3", {"bitmap": str(2**255), "absent": ["0xC"]})
        journal.outbox_add(TX)
    with Journal(path) as journal:
        assert journal.update(3) == RECORD
        assert journal.update(4) is None
        assert journal.recall("attest/3") == {"bitmap": str(2**255), "absent": ["0xC"]}
        assert journal.outbox_open(31337, "0xA") == [TX]


def test_what_lies_beside_it_is_found_again_after_a_move(path: Path) -> None:
    """Else a node that goes to another folder between commit and reveal loses its reveal, and pays the penalty."""
    beside = replace(RECORD, car=path.parent / "updates/round_3.car")
    with Journal(path) as journal:
        journal.save_update(beside)
        assert journal.update(3) == beside
    moved = path.parent.rename(path.parent.with_name("elsewhere"))
    with Journal(moved / path.name) as journal:
        assert journal.update(3) == replace(beside, car=moved / "updates/round_3.car")


def test_an_earlier_update_of_the_round_is_kept(path: Path) -> None:
    """The chain may hold the commitment to the first although the second was about to replace it."""
    with Journal(path) as journal:
        second = replace(RECORD, root=b"s" * 32, salt=os.urandom(32))
        journal.save_update(RECORD)
        journal.save_update(second)
        assert journal.update(3) == second
        assert journal.updates(3) == (second, RECORD)


def test_facts_are_replaced_and_forgotten(path: Path) -> None:
    with Journal(path) as journal:
        assert journal.recall("k") is None
        assert journal.recall("k", 5) == 5
        for value in (1, None, "x", [1, {"a": None}], {"ü": "'; DROP TABLE facts; --"}):
            journal.note("k", value)
            assert journal.recall("k", "default") == value
        journal.forget("k")
        assert journal.recall("k") is None
        with pytest.raises(ValueError, match="JSON"):
            journal.note("k", float("nan"))


def test_outbox_states(path: Path) -> None:
    with Journal(path) as journal:
        first, second = TX, replace(TX, hash=b"i" * 32, max_fee=2**61)
        other = replace(TX, hash=b"j" * 32, nonce=8)
        stranger = replace(TX, hash=b"k" * 32, chain_id=1)
        for tx in (first, second, other, stranger):
            journal.outbox_add(tx)
        assert journal.outbox_open(31337, "0xA") == [first, second, other]
        journal.outbox_close(second.hash, "mined", 12)
        assert journal.outbox_open(31337, "0xA") == [other]
        journal.outbox_close(other.hash, "lost")
        assert [(t.hash[:1], t.state, t.block) for t in journal.outbox_all()] == [
            (b"h", "replaced", None),
            (b"i", "mined", 12),
            (b"j", "lost", None),
            (b"k", "open", None),
        ]
        with pytest.raises(JournalError, match="CHECK"):
            journal.outbox_close(stranger.hash, "nonsense")  # type: ignore[arg-type]


def test_outbox_after_a_reorg(path: Path) -> None:
    """What was mined may be open again, and found by its nonce."""
    with Journal(path) as journal:
        first, second = TX, replace(TX, hash=b"i" * 32, max_fee=2**61)
        assert journal.outbox_mined(31337, "0xA", TX.nonce) is None
        journal.outbox_add(first)
        assert journal.outbox_mined(31337, "0xA", TX.nonce) is None
        journal.outbox_close(first.hash, "mined", 12)
        assert journal.outbox_mined(31337, "0xA", TX.nonce) == replace(first, state="mined", block=12)
        assert journal.outbox_mined(1, "0xA", TX.nonce) is None
        assert journal.outbox_mined(31337, "0xA", TX.nonce + 1) is None
        journal.outbox_add(second)
        journal.outbox_close(second.hash, "reverted", 13)
        assert journal.outbox_mined(31337, "0xA", TX.nonce) == replace(second, state="reverted", block=13)
        journal.outbox_add(first)
        assert journal.outbox_open(31337, "0xA") == [first]
        assert [t.hash for t in journal.outbox_all()] == [second.hash, first.hash]


@pytest.mark.process
def test_second_process_is_told_which_file(path: Path) -> None:
    with Journal(path) as journal:
        journal.note("mine", 1)
        code = (
            "import sys; from pathlib import Path; from fedprotocol.journal import Journal; Journal(Path(sys.argv[1]))"
        )
        other = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True)
        assert other.returncode == 1
        assert f"JournalLocked: the journal {path} is in use by another process (pid {os.getpid()})" in other.stderr
        with pytest.raises(JournalLocked):
            Journal(path)
        with Journal(path, read_only=True) as watched:
            assert watched.recall("mine") == 1
            with pytest.raises(JournalError, match="readonly"):
                watched.note("mine", 2)
        assert journal.recall("mine") == 1
    Journal(path).close()


CHILD = """
import os, signal, sys
from pathlib import Path
from fedprotocol.journal import Journal
journal = Journal(Path(sys.argv[1]))
n = 0
while True:
    journal.note("n", n)
    print(n, flush=True)
    n += 1
"""


@pytest.mark.process
def test_kill_9_loses_nothing_that_was_written(path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", CHILD, str(path)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    for line in child.stdout:
        if int(line) >= 20:
            break
    child.kill()
    said = [int(rest) for rest in child.stdout.read().split()] or [int(line)]
    assert child.wait() == -signal.SIGKILL
    with Journal(path) as journal:
        assert journal.recall("n") in (said[-1], said[-1] + 1)


def test_killed_while_it_was_made(path: Path) -> None:
    """An empty file, or one with SQLite's header and no table yet, becomes a journal."""
    path.parent.mkdir()
    path.touch()
    Journal(path).close()
    path.unlink()
    half = sqlite3.connect(path)
    half.execute("PRAGMA journal_mode = WAL")
    half.close()
    assert path.stat().st_size > 0
    with Journal(path) as journal:
        journal.save_update(RECORD)


def test_is_durable_and_private(path: Path) -> None:
    with Journal(path) as journal:
        assert [tuple(r) for r in journal._execute("PRAGMA synchronous", [])] == [(2,)]
        assert [tuple(r) for r in journal._execute("PRAGMA journal_mode", [])] == [("wal",)]
        journal.note("a", 1)
        for file in path.parent.iterdir():
            assert stat.S_IMODE(file.stat().st_mode) & 0o077 == 0, file


def test_belongs_to_one_federation(path: Path) -> None:
    with Journal(path) as journal:
        journal.bind(31337, "0xC0", "0xA")
        journal.bind(31337, "0xC0", "0xA")
    with Journal(path) as journal:
        for other in ((1, "0xC0", "0xA"), (31337, "0xC1", "0xA"), (31337, "0xC0", "0xB")):
            with pytest.raises(JournalForeign, match=r"belongs to chain 31337, coordinator 0xC0, account 0xA"):
                journal.bind(*other)


def test_newer_versions_and_other_files_are_refused(path: Path, tmp_path: Path) -> None:
    Journal(path).close()
    newer = sqlite3.connect(path)
    newer.execute(f"PRAGMA user_version = {VERSION + 1}")
    newer.close()
    with pytest.raises(JournalVersion, match=f"of version {VERSION + 1}, this program knows versions up to {VERSION}"):
        Journal(path)
    with pytest.raises(JournalVersion):
        Journal(path)  # and the lock was given back
    foreign = tmp_path / "foreign.sqlite"
    db = sqlite3.connect(foreign)
    db.execute("CREATE TABLE notes (x)")
    db.close()
    before = foreign.read_bytes()
    with pytest.raises(JournalError, match="no journal of this program"):
        Journal(foreign)
    assert sqlite3.connect(foreign).execute("SELECT name FROM sqlite_master").fetchall() == [("notes",)]
    assert len(foreign.read_bytes()) == len(before)
    for content in (b"not a database, by far" * 100, os.urandom(8192)):
        damaged = tmp_path / "damaged.sqlite"
        damaged.write_bytes(content)
        with pytest.raises(JournalError, match=r"damaged\.sqlite"):
            Journal(damaged)
        assert damaged.read_bytes() == content
    with pytest.raises(JournalError, match="there is no journal"):
        Journal(tmp_path / "nowhere", read_only=True)
    with pytest.raises(JournalError):
        Journal(tmp_path)


def test_a_full_disk_is_an_error_and_keeps_the_old(path: Path) -> None:
    with Journal(path) as journal:
        journal.note("k", "old")
        pages = journal._execute("PRAGMA page_count", [])[0][0]
        journal._execute(f"PRAGMA max_page_count = {pages}", [])
        with pytest.raises(JournalError, match="full"):
            journal.note("k", "x" * 100_000)
        assert journal.recall("k") == "old"


def test_a_worker_thread_may_write(path: Path) -> None:
    with Journal(path) as journal:
        failures: list[Any] = []

        def work(i: int) -> None:
            try:
                journal.note(f"k{i}", i)
            except JournalError as error:
                failures.append(error)

        threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        assert failures == []
        assert [journal.recall(f"k{i}") for i in range(8)] == list(range(8))

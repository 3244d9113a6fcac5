"""What is said of a database that cannot be had: who holds it, or what it lies on."""

from __future__ import annotations

import errno
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fedprotocol.files import filesystem, sqlite_errors
from fedprotocol.files.filesystem import Mount, mount_of, on_network
from fedprotocol.journal import Journal, JournalError, JournalLocked, journal

MOUNTS = """\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 22 0:5 / /mnt/team\\040share rw - nfs4 server:/export rw,vers=4.2
31 22 0:6 / /mnt/team rw - cifs //server/team rw
32 22 0:7 / /mnt/team rw - tmpfs tmpfs rw
"""
HOLDER = """
import sqlite3, sys, time
db = sqlite3.connect(sys.argv[1])
db.execute("BEGIN EXCLUSIVE")
print(flush=True)
time.sleep(600)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "journal.sqlite"
    Journal(path).close()
    return path


@pytest.fixture
def holder(path: Path) -> Iterator[int]:
    """The id of another program that has the database to itself."""
    command = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process.pid
        process.kill()


@pytest.mark.process
def test_the_program_that_holds_it_is_named(path: Path, holder: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "WAIT_SECONDS", 0.1)
    said = rf"locked: python\S* \(pid {holder}\) has it open .* stop that program"
    with Journal(path) as kept, pytest.raises(JournalError, match=said):
        kept.note("a", 1)


def test_which_file_system_is_the_last_one_mounted_over_a_path() -> None:
    assert mount_of(Path("/mnt/team share/home"), MOUNTS) == Mount("/mnt/team share", "nfs4")
    assert mount_of(Path("/mnt/team/home"), MOUNTS) == Mount("/mnt/team", "tmpfs")
    assert mount_of(Path("/mnt/teams"), MOUNTS) == Mount("/", "ext4")
    assert mount_of(Path("/srv"), "nonsense") is None
    real = mount_of(Path("/proc/self"))
    assert real is not None and real.kind == "proc" and not real.is_network


@pytest.mark.parametrize(
    "error",
    [
        sqlite3.OperationalError("database is locked"),
        sqlite3.OperationalError("locking protocol"),
        sqlite3.OperationalError("disk I/O error"),
        OSError(errno.ENOLCK, os.strerror(errno.ENOLCK)),
    ],
)
def test_a_network_file_system_is_named(error: Exception, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is none here to be mounted: where the path lies is said in its place."""
    nfs = Mount("/mnt/team", "nfs4")
    for module in (filesystem, sqlite_errors):
        monkeypatch.setattr(module, "mount_of", lambda _: nfs)
    said = sqlite_errors.describe_database_error(path, error)
    assert said.endswith(on_network(nfs))
    assert "choose a home on a disk of this machine" in said


def test_other_errors_say_what_sqlite_says(path: Path) -> None:
    assert (
        sqlite_errors.describe_database_error(path, sqlite3.DatabaseError("file is not a database"))
        == "file is not a database"
    )
    assert (
        sqlite_errors.describe_database_error(path, OSError(errno.ENOSPC, "No space left on device"))
        == "No space left on device"
    )


def test_a_process_id_of_another_machine_is_not_blamed(path: Path) -> None:
    """Through a shared folder the lock file shows an id that means something else here, or nothing."""
    with Journal(path), pytest.raises(JournalLocked, match=rf"pid {os.getpid()}\)") as mine:
        Journal(path)
    assert mine.value.pid == os.getpid()
    with Journal(path):
        path.with_name(path.name + ".lock").write_text("1")  # runs here, and has nothing to do with it
        with pytest.raises(JournalLocked, match="in another container or on another machine") as other:
            Journal(path)
    assert other.value.pid is None

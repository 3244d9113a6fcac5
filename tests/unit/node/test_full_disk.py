"""A disk without room, /dev/full: what must go on goes on, what cannot says so. `make chaos` fills real ones."""

from __future__ import annotations

import errno
import logging
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from fednode.daemon.logs import LogFile
from fedprotocol.errors import SystemRefusal, refusals_told
from fedprotocol.program.status import DaemonStatus, StatusFile

FULL = Path("/dev/full")


@contextmanager
def no_room() -> Iterator[None]:
    """The system refuses each byte that this process writes to a file."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_log_has_gaps_and_stops_nobody(capfd: pytest.CaptureFixture[str]) -> None:
    log = logging.Logger("full")
    handler = LogFile(FULL)
    log.addHandler(handler)
    for _ in range(3):
        log.warning("a line")
    handler.close()
    assert "Traceback" not in capfd.readouterr().err
    log.handlers[0] = logging.StreamHandler(FULL.open("w"))
    log.warning("a line")
    assert "No space left" in capfd.readouterr().err, "the disk was not full"


def test_a_status_that_cannot_be_written_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    status = DaemonStatus(
        pid=1, account="", round=0, phase="none", activity="", since=0, until=0, chain_time=0, updated=0
    )
    file = StatusFile(tmp_path / "status.json", logging.getLogger("full"))
    with no_room():
        file.write(status)
        file.write(status)
    assert list(tmp_path.iterdir()) == []
    assert [record.getMessage() for record in caplog.records] == [
        f"{tmp_path / 'status.json'} cannot be written: File too large"
    ]
    file.write(status)
    assert (tmp_path / "status.json").exists()


def test_what_the_system_refuses_is_told_and_a_fault_of_ours_is_not() -> None:
    with pytest.raises(SystemRefusal, match="No space left on device"), refusals_told(), FULL.open("w") as file:
        file.write("x")
    with pytest.raises(SystemRefusal, match=r"Permission denied: /srv/x"), refusals_told():
        raise PermissionError(errno.EACCES, "Permission denied", "/srv/x")
    with pytest.raises(FileNotFoundError), refusals_told():
        Path("/nothing/there").read_bytes()

"""Doctor writes where the program will write, and leaves nothing behind."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from fedprotocol.files import writable
from fedprotocol.files.writable import NotWritable, try_to_write


def test_nothing_stays_behind(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there/log").write_text("kept")
    try_to_write([tmp_path / "home/cache", tmp_path / "home", tmp_path / "there"], [tmp_path / "there/log"])
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["log", "there"]
    assert (tmp_path / "there/log").read_text() == "kept"


def test_a_file_where_a_folder_must_be(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("no folder")
    with pytest.raises(NotWritable, match="home/cache: Not a directory") as refused:
        try_to_write([tmp_path / "home/cache"])
    assert refused.value.command == ""


@pytest.mark.skipif(os.geteuid() != 0, reason="another user's folder takes root to make")
def test_what_another_user_left_behind(tmp_path: Path) -> None:
    """As a site meets it that once ran a command with sudo."""
    ours = [
        place for place in (tmp_path, *tmp_path.parents) if "pytest-" in place.name or "pytest-" in str(place.parent)
    ]
    for place in ours:  # for their owner alone
        place.chmod(0o755)
    home = tmp_path / "home"
    home.mkdir()
    log = home / "fednode.log"
    log.touch(mode=0o644)
    home.chmod(0o755)
    child = os.fork()
    if child == 0:
        found = []
        try:
            os.setuid(65534)
            for folders, files in (([home / "cache"], []), ([], [log])):
                try:
                    try_to_write(folders, files)
                except NotWritable as error:
                    found.append(error.command.endswith(str(error.path)) or error.command.endswith(str(home)))
        finally:  # or pytest would go on here, as another user
            os._exit(0 if found == [True, True] else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(writable.os, "fsync", full)
    with pytest.raises(NotWritable, match="No space left on device") as refused:
        try_to_write([tmp_path / "home"])
    assert refused.value.command == "" and not (tmp_path / "home").exists()

"""A file that is replaced is, at every moment and for everybody, the old one or the new one."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from fedprotocol.files.whole import STALE_SECONDS, folder_made_whole, write_whole, written_whole


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_an_error_leaves_what_was_there_and_no_draft(tmp_path: Path) -> None:
    path = write_whole(tmp_path / "folder" / "a", "old")
    with pytest.raises(ZeroDivisionError), written_whole(path) as file:
        file.write(b"half")
        assert Path(file.name).parent == path.parent and path.read_text() == "old"
        raise ZeroDivisionError
    assert path.read_text() == "old" and list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("synced", [True, False])
def test_text_and_bytes_replace_it_with_the_mode_asked_for(tmp_path: Path, synced: bool) -> None:
    path = tmp_path / "a"
    path.touch(mode=0o644)
    assert write_whole(path, "ä\n", 0o600, synced=synced).read_bytes() == b"\xc3\xa4\n" and mode(path) == 0o600
    assert write_whole(path, b"\0", synced=synced).read_bytes() == b"\0"
    assert mode(path) == 0o666 & ~_umask()


def test_a_new_file_replaces_none(tmp_path: Path) -> None:
    path = write_whole(tmp_path / "key", "mine", 0o600, new=True)
    with pytest.raises(FileExistsError):
        write_whole(path, "yours", 0o600, new=True)
    assert path.read_text() == "mine" and list(tmp_path.iterdir()) == [path]


def test_many_writers_and_no_reader_sees_half(tmp_path: Path) -> None:
    path = write_whole(tmp_path / "a", 50_000 * "0")

    def write(letter: str) -> None:
        for _ in range(50):
            write_whole(path, 50_000 * letter, synced=False)

    writers = [threading.Thread(target=write, args=(letter,)) for letter in "123"]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        seen = path.read_text()
        assert len(seen) == 50_000 and len(set(seen)) == 1
    for writer in writers:
        writer.join()
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.process
def test_a_killed_writer_leaves_the_old_file_and_its_draft_goes_in_time(tmp_path: Path) -> None:
    path = write_whole(tmp_path / "a", "old")
    program = (
        "import os, pathlib, sys\nfrom fedprotocol.files.whole import written_whole\n"
        "with written_whole(pathlib.Path(sys.argv[1])) as file:\n    file.write(b'half')\n    os.kill(os.getpid(), 9)\n"
    )
    assert subprocess.run([sys.executable, "-c", program, str(path)], check=False).returncode == -9
    drafts = [entry for entry in tmp_path.iterdir() if entry != path]
    assert path.read_text() == "old" and len(drafts) == 1
    other = tmp_path / "b.partial"
    other.touch()
    write_whole(path, "new")
    assert drafts[0].exists(), "another program may still write it"
    long_ago = time.time() - STALE_SECONDS - 60
    for entry in (drafts[0], other):
        os.utime(entry, (long_ago, long_ago))
    write_whole(path, "newer")
    assert sorted(tmp_path.iterdir()) == [path, other]


def test_a_folder_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "out"
    with pytest.raises(ZeroDivisionError), folder_made_whole(target) as folder:
        (folder / "a").touch()
        raise ZeroDivisionError
    assert list(target.parent.iterdir()) == []
    with folder_made_whole(target) as folder:
        (folder / "a").touch()
        assert not target.exists()
    assert [entry.name for entry in target.iterdir()] == ["a"] and mode(target) == 0o755
    with pytest.raises(OSError, match="not empty"), folder_made_whole(target):
        pass
    assert [entry.name for entry in target.iterdir()] == ["a"] and list(target.parent.iterdir()) == [target]


def _umask() -> int:
    before = os.umask(0)
    os.umask(before)
    return before

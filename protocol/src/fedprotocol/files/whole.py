"""Files and folders that get their name only when they are whole: a reader, or a program that starts after this one was
killed, finds the new content, or the old, or nothing."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, BinaryIO

from fedprotocol.files.private import create_private

PRIVATE = 0o600
PUBLIC = 0o666  # the umask is taken off
STALE_SECONDS = 24 * 3600
"""In seconds: no program still writes a draft that is older."""


@contextmanager
def written_whole(
    path: Path, mode: int = PUBLIC, *, synced: bool = True, new: bool = False, drafts: Path | None = None
) -> Iterator[BinaryIO]:
    """A file to write to, which replaces `path` when the block ends. If the block raises, the file is deleted and
    `path` stays as it was.

    The file is called `<name>.<random>.partial` until then (the `name` attribute of what is yielded is its path), so
    several programs may write the same `path` at once, and the last one stays. Old drafts that killed programs left are
    deleted too.

    Args:
        mode: of the file, from before it has content; the umask is taken off.
        synced: wait until content and name are on the disk; use False if it does not matter that a loss of power takes
            the newest version.
        new: refuse to replace `path`.
        drafts: the folder for the draft, on the same file system; default: the folder of `path`, which is made if it
            does not exist.

    Raises OSError; FileExistsError if `path` exists and must be `new`.
    """
    if drafts is None:
        path.parent.mkdir(parents=True, exist_ok=True)
    folder = drafts or path.parent
    _remove_stale(folder, path.name)
    draft = folder / f"{path.name}.{uuid.uuid4().hex}.partial"
    try:
        with create_private(draft, mode) as file:
            yield file
            if synced:
                sync_file(file)
        if new:
            os.link(draft, path)
        else:
            draft.replace(path)
        if synced:
            sync_folder(path.parent)
    finally:
        draft.unlink(missing_ok=True)


def write_whole(
    path: Path, content: str | bytes, mode: int = PUBLIC, *, synced: bool = True, new: bool = False
) -> Path:
    """Replace `path` with `content` (text as UTF-8), whole or not at all; see `written_whole`. Raises OSError."""
    with written_whole(path, mode, synced=synced, new=new) as file:
        file.write(content.encode() if isinstance(content, str) else content)
    return path


@contextmanager
def folder_made_whole(path: Path) -> Iterator[Path]:
    """A new folder to fill. When the block ends, it gets the name `path` and the permissions that the umask leaves. If
    the block raises, it is deleted. Raises OSError, also if by then there is such a folder that is not empty."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
    try:
        yield draft
        draft.chmod(0o755)  # mkdtemp makes it private
        draft.rename(path)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def sync_file(file: IO[Any]) -> None:
    """Wait until what was written to `file` is on the disk. Raises OSError."""
    file.flush()
    os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Wait until the names in `folder` are on the disk. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_stale(folder: Path, name: str) -> None:
    oldest = time.time() - STALE_SECONDS
    with suppress(OSError):
        for entry in os.scandir(folder):
            is_draft = entry.name.startswith(f"{name}.") and entry.name.endswith(".partial")
            if is_draft and entry.stat(follow_symlinks=False).st_mtime < oldest:
                Path(entry).unlink(missing_ok=True)

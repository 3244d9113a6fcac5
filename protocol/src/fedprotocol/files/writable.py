"""Whether a program can write where it will have to: found out by writing."""

from __future__ import annotations

import os
import shlex
import tempfile
from collections.abc import Iterable
from pathlib import Path

from fedprotocol.errors import FedError


class NotWritable(FedError):
    """Nothing can be written at a path. `path`: where; `command`: what changes that, or empty if another path must be
    chosen."""

    def __init__(self, path: Path, error: OSError) -> None:
        self.path = path
        self.command = _command(path) if isinstance(error, PermissionError) else ""
        super().__init__(f"nothing can be written at {path}: {error.strerror or error}")


def try_to_write(folders: Iterable[Path], files: Iterable[Path] = ()) -> None:
    """Make each of `folders` that is not there, write a file in it and remove what was made; open each of `files` that
    is there for writing, without a change. Raises NotWritable."""
    for folder in folders:
        missing = [path for path in (folder, *folder.parents) if not os.path.exists(path)]  # noqa: PTH110 (never raises)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder) as file:
                file.write(b"a program tries whether it can write here\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise NotWritable(folder, error) from error
        finally:
            for path in missing:
                if os.path.isdir(path):  # noqa: PTH112
                    path.rmdir()
    for path in files:
        try:
            if path.exists():
                os.close(os.open(path, os.O_RDWR | os.O_CLOEXEC))
        except OSError as error:
            raise NotWritable(path, error) from error


def _command(path: Path) -> str:
    """Give it to whoever asks: most often a run as root, or as another user, left it behind."""
    there = next(place for place in (path, *path.parents) if os.path.exists(place))  # noqa: PTH110
    return f'sudo chown -R "$(id -un)" {shlex.quote(str(there))}'

"""Files that nobody but their owner may read: configurations with keys in URLs, updates before they are revealed."""

from __future__ import annotations

import logging
import os
import shlex
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from fedprotocol.files.filesystem import is_read_only

OTHERS = stat.S_IRWXG | stat.S_IRWXO


def create_private(path: Path, mode: int = 0o600) -> BinaryIO:
    """A new file, open for writing, that has its mode before it has content; what had its name is removed first, since
    others may have that open. `mode`: less the umask. Raises OSError."""
    path.unlink(missing_ok=True)
    return open(path, "xb", opener=lambda name, flags: os.open(name, flags, mode))


def private_folder(path: Path) -> None:
    """Make a folder that only its owner may enter, or one that is there so. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir(mode=0o700, exist_ok=True)
    close_to_others(path)


def close_to_others(path: Path) -> None:
    """Take from everybody else what they may do with a file or folder. Raises OSError."""
    mode = path.stat().st_mode
    if mode & OTHERS:
        path.chmod(stat.S_IMODE(mode) & ~OTHERS)


def open_to_others(paths: Iterable[Path]) -> list[Path]:
    """Those of `paths` that are there and that others than their owner may read, write or enter. Raises OSError."""
    return [path for path in paths if path.exists() and exposure(path)]


@dataclass(frozen=True)
class Exposure:
    """Others than its owner may use a file. `text`: who, and what to do; `command`: that closes it, or makes a copy."""

    text: str
    command: str


def exposure(path: Path, mode: int | None = None) -> Exposure | None:
    """Whether others may read a file; None: nobody, or nobody whom its owner did not mean to.

    What a mount fixes cannot be changed: there the file is as private as whoever mounted it made it. systemd's
    credentials are for the service alone, and a group that may read there (Kubernetes' fsGroup) is the program's own.

    Args:
        mode: of the file; default: what it has. Raises OSError.
    """
    mode = path.stat().st_mode if mode is None else mode
    if not mode & OTHERS:
        return None
    quoted = shlex.quote(str(path))
    copy = f"install -m 600 {quoted} COPY  # and name the copy in the config"
    if is_read_only(path):
        credentials = os.environ.get("CREDENTIALS_DIRECTORY")
        if not mode & stat.S_IRWXO or (credentials and Path(credentials) in path.absolute().parents):
            return None
        return Exposure(
            f"others may read {path}, and its mount is read-only: mount it with mode 0400, or 0440 for a group "
            "(Kubernetes: defaultMode and fsGroup; systemd: LoadCredential), or name a copy of mode 600",
            copy,
        )
    if os.geteuid() not in (0, path.stat().st_uid):
        return Exposure(f"others may read {path}, and it is another user's: name a copy of your own, of mode 600", copy)
    return Exposure(f"others may read {path}: run chmod 600 {quoted}", f"chmod 600 {quoted}")


def warn_if_open(config: Path, log: logging.Logger) -> None:
    """Say how to close a config file to others."""
    if exposed := exposure(config):
        log.warning("%s; RPC URLs may hold keys", exposed.text)

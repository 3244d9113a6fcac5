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

from fedprotocol.errors import FedError
from fedprotocol.files.filesystem import is_read_only

OTHERS = stat.S_IRWXG | stat.S_IRWXO


def create_private(path: Path, mode: int = 0o600) -> BinaryIO:
    """A new file, open for writing, which has its mode before it has content. A file that has the name already is
    removed first, because others may have it open. The umask is taken off `mode`. Raises OSError."""
    path.unlink(missing_ok=True)
    return open(path, "xb", opener=lambda name, flags: os.open(name, flags, mode))


def private_folder(path: Path) -> None:
    """Make a folder that only its owner may enter, or make an existing one private. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir(mode=0o700, exist_ok=True)
    close_to_others(path)


def close_to_others(path: Path) -> None:
    """Take away everybody else's permissions for a file or folder. Raises OSError."""
    mode = path.stat().st_mode
    if mode & OTHERS:
        path.chmod(stat.S_IMODE(mode) & ~OTHERS)


def open_to_others(paths: Iterable[Path]) -> list[Path]:
    """The members of `paths` that exist and that others than their owner may read, write or enter. Raises OSError."""
    return [path for path in paths if path.exists() and exposure(path)]


@dataclass(frozen=True)
class Exposure:
    """Others than its owner may use a file. `text` says who they are and what to do. `command` closes the file to them,
    or makes a private copy."""

    text: str
    command: str


def exposure(path: Path, mode: int | None = None) -> Exposure | None:
    """What is wrong if others may read a file; None if nobody can, or only those whom its owner wants to. Permissions
    that a mount fixes cannot be changed; such a file is as private as the mount makes it. systemd's credentials are
    only for the service, and a group that may read a mounted secret (Kubernetes' fsGroup) is the program's own.

    Args:
        mode: the file's mode; default: the mode that it has now. Raises OSError.
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


def require_private(path: Path, what: str, error: type[FedError]) -> None:
    """Raise `error` unless `path` is a file that nobody else may read. `what`: the kind of file, for the message."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        raise error(f"there is no {what} {path}") from None
    except OSError as problem:
        raise error(f"the {what} {path} cannot be read: {problem.strerror}") from None
    if not stat.S_ISREG(mode):
        raise error(f"the {what} {path} is not a file")
    if exposed := exposure(path, mode):
        raise error(exposed.text)


def warn_if_open(config: Path, log: logging.Logger) -> None:
    """Say how to close a config file to others."""
    if exposed := exposure(config):
        log.warning("%s; RPC URLs may hold keys", exposed.text)

"""Files that nobody but their owner may read: configurations with keys in URLs, updates before they are revealed."""

from __future__ import annotations

import logging
import os
import shlex
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

OTHERS = stat.S_IRWXG | stat.S_IRWXO


def create_private(path: Path, mode: int = 0o600) -> BinaryIO:
    """A new file, open for writing, that has its mode before it has content; what had its name is removed first, since
    others may have that open. `mode`: less the umask. Raises OSError."""
    path.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.fdopen(os.open(path, flags, mode), "wb")


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
    """Those of `paths` that are there and that others than their owner may read, write or enter."""
    return [path for path in paths if path.exists() and path.stat().st_mode & OTHERS]


def warn_if_open(config: Path, log: logging.Logger) -> None:
    """Say how to close a config file to others."""
    if open_to_others([config]):
        log.warning(
            "others may read %s, and RPC URLs may hold keys: run chmod go= %s", config, shlex.quote(str(config))
        )

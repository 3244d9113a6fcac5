"""What SQLite's errors mean for the person who reads them."""

from __future__ import annotations

import errno
import sqlite3
from pathlib import Path

from fedprotocol.files.filesystem import mount_of, on_network, why_locked
from fedprotocol.foreign_errors import in_a_line

_LOCKED = ("locked", "busy", "locking protocol")


def describe_database_error(path: Path, error: Exception) -> str:
    """Why the database `path` cannot be used and, if that is known, what to do."""
    message = in_a_line(error)
    files = [path.with_name(path.name + suffix) for suffix in ("", "-wal", "-shm")]
    if isinstance(error, sqlite3.Error) and any(word in message for word in _LOCKED):
        return f"{message}: {why_locked(*files)}"
    mount = mount_of(path)
    lies = isinstance(error, sqlite3.OperationalError) or (isinstance(error, OSError) and error.errno == errno.ENOLCK)
    return f"{message}: {on_network(mount)}" if lies and mount is not None and mount.is_network else message

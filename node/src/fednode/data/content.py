"""What a data file holds, as a key, so that what was once made of it need not be made again."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from fedprotocol import __version__
from fedprotocol.foreign_errors import told_as

from fednode.data.columns import Columns
from fednode.data.rows import DataError

_FIX = "check its name, its folder and who may read it"


@dataclass(frozen=True)
class Content:
    """`key`, 32 hex digits: what the rows of the file at `path` follow from, which are its bytes, the endings of its
    name, what its columns are called, and the version of this program. `source`, 16 hex digits: which file it is,
    whatever it holds. `size` in bytes and `changed`, the time of its last change in ns, are from before it was read.
    """

    path: Path
    key: str
    source: str
    size: int
    changed: int

    @classmethod
    def of(cls, path: Path, columns: Columns) -> Self:
        """Read it all, which takes sha2-256 about a second a GiB. Raises DataError."""
        with told_as(DataError, f"{path}: cannot be read", _FIX), path.open("rb") as file:
            found = os.fstat(file.fileno())
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        made_of = json.dumps([digest, path.suffixes, asdict(columns), __version__], sort_keys=True)
        key = hashlib.sha256(made_of.encode()).hexdigest()[:32]
        return cls(path, key, source_key(path), found.st_size, found.st_mtime_ns)

    def require_same(self) -> None:
        """Raises DataError if the file has changed since."""
        with told_as(DataError, f"{self.path}: cannot be read", _FIX):
            now = self.path.stat()
        if (now.st_size, now.st_mtime_ns) != (self.size, self.changed):
            raise DataError(f"{self.path}: changed while it was read; try again when it is whole")


def source_key(path: Path) -> str:
    """As in `Content`."""
    return hashlib.sha256(os.fsencode(path.resolve())).hexdigest()[:16]

"""Blocks that were seen, by digest: a few thousand in memory, the others in a temporary file."""

import sqlite3
from types import TracebackType
from typing import Self

IN_MEMORY = 16_384
"""How many blocks, of about 300 bytes each, are kept before they go to disk. SQLite keeps 2 MiB of its file in
memory."""


class SeenBlocks:
    """A mapping from digest to a few bytes that only grows. A context manager; raises OSError if the disk is full."""

    def __init__(self) -> None:
        self._recent: dict[bytes, bytes] = {}
        self._disk: sqlite3.Connection | None = None

    def get(self, digest: bytes) -> bytes | None:
        """The bytes that are stored for a block; None if it is new."""
        found = self._recent.get(digest)
        if found is not None or self._disk is None:
            return found
        try:
            row = self._disk.execute("SELECT note FROM seen WHERE digest = ?", (digest,)).fetchone()
        except sqlite3.Error as error:
            raise OSError(f"SQLite's temporary file cannot be read: {error}") from error
        return row[0] if row else None

    def __contains__(self, digest: bytes) -> bool:
        return self.get(digest) is not None

    def __setitem__(self, digest: bytes, note: bytes) -> None:
        self._recent[digest] = note
        if len(self._recent) >= IN_MEMORY:
            try:
                self._spill()
            except sqlite3.Error as error:
                raise OSError(f"SQLite's temporary file cannot be written, is the disk full? {error}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._disk is not None:
            self._disk.close()

    def _spill(self) -> None:
        if self._disk is None:
            self._disk = sqlite3.connect("", isolation_level=None)  # a temporary file, gone when it is closed
            for setting in ("temp_store = FILE", "journal_mode = OFF", "synchronous = OFF", "cache_size = -2048"):
                self._disk.execute(f"PRAGMA {setting}")
            self._disk.execute("CREATE TABLE seen (digest BLOB PRIMARY KEY, note BLOB) WITHOUT ROWID")
        self._disk.execute("BEGIN")
        self._disk.executemany("INSERT INTO seen VALUES (?, ?)", sorted(self._recent.items()))
        self._disk.execute("COMMIT")
        self._recent.clear()

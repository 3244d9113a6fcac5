"""How much a file may unpack to: a small one can say that it holds any amount of text."""

from __future__ import annotations

from pathlib import Path

from fednode.data.rows import DataError

FREE_BYTES = 1 << 24
MOST_TIMES = 256


class Room:
    """What a file may still take of memory: 16 MiB and 256 times its length in all. `size`: its length in bytes, if
    it is not that of the file `path`."""

    def __init__(self, path: Path | str, size: int | None = None) -> None:
        self._path = path
        self.size = Path(path).stat().st_size if size is None else size
        self._left = FREE_BYTES + MOST_TIMES * self.size

    def check(self, size: int) -> None:
        """Raises DataError if there are no `size` bytes left."""
        if size > self._left:
            raise DataError(
                f"{self._path}: holds more than {MOST_TIMES} times its {self.size} bytes; write it as JSONL"
            )

    def take(self, size: int) -> None:
        """Raises DataError likewise."""
        self.check(size)
        self._left -= size

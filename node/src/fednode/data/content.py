"""What a data file holds, as a key, so that what was once made of it need not be made again."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from fedprotocol import __version__
from fedprotocol.foreign_errors import told_as

from fednode.data.columns import Columns
from fednode.data.hf_folder import folder_of
from fednode.data.hf_records import files_in
from fednode.data.rows import DataError
from fednode.data_source import HfSplit, Portion, portion

_FIX = "check its name, its folder and who may read it"


@dataclass(frozen=True)
class Content:
    """`key`, 32 hex digits: what the rows of a file, or of a data set, follow from, which are its bytes, the endings of
    its name, how it is read, the share that is held out, and the version of this program. `source`, 16 hex digits:
    which file it is, whatever it holds. `size` in bytes and `changed`, the time of its last change in ns, are from
    before it was read.
    """

    of: Portion
    key: str
    source: str
    size: int
    changed: int

    @classmethod
    def of_rows(cls, rows: Path | HfSplit | Portion, columns: Columns) -> Self:
        """Read it all, which takes sha2-256 about a second a GiB. Raises DataError."""
        chosen = portion(rows)
        with told_as(DataError, f"{chosen}: cannot be read", _FIX):
            files = _files(chosen)
            size, changed = _state(files)
            digests = [_digest(file) for file in files]
        told = [digests, _read_by(chosen, files), asdict(columns), chosen.share, __version__]
        made_of = json.dumps(told, sort_keys=True)
        key = hashlib.sha256(made_of.encode()).hexdigest()[:32]
        return cls(chosen, key, source_key(chosen), size, changed)

    def require_same(self) -> None:
        """Raises DataError if the file has changed since."""
        with told_as(DataError, f"{self.of}: cannot be read", _FIX):
            now = _state(_files(self.of))
        if now != (self.size, self.changed):
            raise DataError(f"{self.of}: changed while it was read; try again when it is whole")


def source_key(rows: Path | HfSplit | Portion) -> str:
    """As in `Content`; both sides of a file that is split are of one source."""
    source = portion(rows).source
    named = str(source) if isinstance(source, HfSplit) else source.resolve()
    return hashlib.sha256(os.fsencode(named)).hexdigest()[:16]


def _files(rows: Portion) -> list[Path]:
    return [rows.source] if isinstance(rows.source, Path) else files_in(folder_of(rows.source))


def _state(files: Sequence[Path]) -> tuple[int, int]:
    """Bytes, and the time of the last change in ns."""
    found = [file.stat() for file in files]
    return sum(one.st_size for one in found), max((one.st_mtime_ns for one in found), default=0)


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _read_by(rows: Portion, files: Sequence[Path]) -> list[str | None]:
    """What decides how the files are read beside what they hold."""
    if isinstance(rows.source, Path):
        return list(rows.source.suffixes)
    folder = folder_of(rows.source)
    return [rows.source.config, rows.source.split, *(str(file.relative_to(folder)) for file in files)]

"""A copy of a large file's rows, from which any row is had without reading the others.

The copy is an Arrow file in a private folder. It is mapped, not held in memory. Its name tells which file it is of, and
what that held: a file that has changed is read anew, and the copy of what it was is deleted.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from fedprotocol.files.private import private_folder
from fedprotocol.files.whole import PRIVATE, written_whole
from fedprotocol.foreign_errors import told_as

from fednode.data.content import Content, source_key
from fednode.data.rows import DataError
from fednode.data_source import HfSplit, Portion

if TYPE_CHECKING:
    import pyarrow as pa
    from datasets.table import MemoryMappedTable

_ENDING = ".arrow"


class RowCopy:
    """The copy in `folder` of the rows of a file with this `content`."""

    def __init__(self, folder: Path, content: Content) -> None:
        self._folder = folder
        self._source = content.source
        self.file = folder / f"{content.source}-{content.key}{_ENDING}"

    @property
    def is_there(self) -> bool:
        return self.file.is_file()

    def write(self, batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> None:
        """Write all batches, or nothing if `batches` raises. Raises DataError."""
        import pyarrow as pa

        with told_as(DataError, f"{self.file}: cannot be written", "look at the disk of `home`"):
            private_folder(self._folder)
            with written_whole(self.file, PRIVATE) as file, pa.ipc.new_stream(file, schema) as stream:
                for batch in batches:
                    stream.write_batch(batch)

    def mapped(self) -> MemoryMappedTable:
        """Raises DataError."""
        from datasets.table import MemoryMappedTable

        with told_as(DataError, f"{self.file}: cannot be read", "delete it; it is made again"):
            return MemoryMappedTable.from_file(str(self.file))

    def delete_older(self) -> None:
        """Delete the copies of what the file held before."""
        for other in self._folder.glob(f"{self._source}-*{_ENDING}"):
            if other != self.file:
                other.unlink(missing_ok=True)


def delete_all_but(folder: Path, kept_of: Iterable[Path | HfSplit | Portion]) -> None:
    """Delete what is kept in `folder` of other files than those of `kept_of`."""
    kept = {source_key(one) for one in kept_of}
    for one in folder.glob("*-*"):
        if one.name.partition("-")[0] not in kept:
            one.unlink(missing_ok=True)

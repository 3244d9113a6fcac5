"""Parquet: a few rows at a time, and no more than the file's length explains."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from fednode.data.parquet_columns import leaf_paths, named_columns
from fednode.data.rows import DOMAIN, MESSAGES, TEXTS, DataError

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

_BATCH_ROWS = 16  # they may all hold one long text of the file's dictionary
_FREE_BYTES = 1 << 24
_MOST_TIMES = 256
_ROW_BYTES = 256  # that a row, or a message, takes beside its text


def parquet_records(path: Path) -> Iterator[tuple[int, Mapping[str, Any] | str]]:
    """Row numbers, each with its record or with what is wrong with it.

    A small file can say that it holds any amount of text: no more is read than 16 MiB and 256 times its length. (Arrow
    takes up to 2 GiB more for a moment where a file lies about its pages.)
    Raises OSError, and DataError for such a file and for one that is no Parquet or has not the right columns.
    """
    import pyarrow as pa

    with path.open("rb") as source:
        room = _Room(path)
        try:
            file, names = _opened(source, path, room)
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            raise DataError(f"{path}: cannot be read as Parquet: {_message(error)}; write it again") from error
        batches = _batches(file)
        number = 0
        while True:
            try:
                batch = next(batches, None)
            except (pa.ArrowException, OSError) as error:
                yield number + 1, f"cannot be read, nor can what comes after it: {_message(error)}"
                return
            if batch is None:
                return
            for values in zip(*(batch.column(name) for name in names), strict=True):
                number += 1
                yield number, _record(dict(zip(names, values, strict=True)), room)


class _Room:
    """What a file may still take of memory."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.size = path.stat().st_size
        self._left = _FREE_BYTES + _MOST_TIMES * self.size

    def check(self, size: int) -> None:
        """Raises DataError if there are no `size` bytes left."""
        if size > self._left:
            raise DataError(
                f"{self._path}: holds more than {_MOST_TIMES} times its {self.size} bytes; write it as JSONL"
            )

    def take(self, size: int) -> None:
        """Raises DataError likewise."""
        self.check(size)
        self._left -= size


def _opened(source: BinaryIO, path: Path, room: _Room) -> tuple[pq.ParquetFile, list[str]]:
    """The file, and which of the columns that count it has."""
    import pyarrow.parquet as pq

    file = pq.ParquetFile(
        source,
        pre_buffer=False,
        arrow_extensions_enabled=False,
        thrift_string_size_limit=max(1, room.size),
        thrift_container_size_limit=max(1, room.size),
    )
    names = named_columns(file.schema_arrow, path)
    # What a column chunk says of itself is not asked for: pyarrow ends the process where that makes no sense.
    groups = map(file.metadata.row_group, range(file.metadata.num_row_groups))
    room.check(_ROW_BYTES * file.metadata.num_rows + sum(max(0, group.total_byte_size) for group in groups))
    return file, names


def _batches(file: pq.ParquetFile) -> Iterator[pa.RecordBatch]:
    """One row group after the other, so that what is wrong with one does not keep those before it from being read."""
    columns = leaf_paths(file.schema)
    for group in range(file.metadata.num_row_groups):
        yield from file.iter_batches(_BATCH_ROWS, row_groups=[group], columns=columns, use_threads=False)


def _record(values: Mapping[str, pa.Scalar], room: _Room) -> Mapping[str, Any] | str:
    """Python's values of one row, or what is wrong with it. Raises DataError if the room does not suffice."""
    import pyarrow as pa

    messages = values.get(MESSAGES)
    room.take(_ROW_BYTES * (1 + (len(messages) if messages is not None and messages.is_valid else 0)))
    try:
        record = {name: value.as_py() for name, value in values.items()}
    except UnicodeDecodeError:
        return "is not UTF-8 text"
    except pa.ArrowException as error:
        return f"cannot be read: {_message(error)}"
    texts = [record.get(name) for name in (*TEXTS, DOMAIN)]
    texts += [message.get("content") for message in record.get(MESSAGES) or [] if message is not None]
    room.take(sum(len(text) for text in texts if text is not None))
    return record


def _message(error: Exception) -> str:
    """Arrow's messages can be long."""
    return " ".join(str(error).split())[:200].rstrip(".")

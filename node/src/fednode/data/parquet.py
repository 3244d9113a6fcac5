"""Parquet: a few rows at a time, and no more than the file's length explains."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO

from fednode.data.parquet_columns import LISTS, leaf_paths, named_columns
from fednode.data.room import Room
from fednode.data.rows import DataError
from fednode.data.source import Source

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

_BATCH_ROWS = 16  # they may all hold one long text of the file's dictionary
_ROW_BYTES = 256  # that a row, or a message, takes beside its text


def parquet_records(source: Source) -> Iterator[tuple[int, Mapping[str, Any] | str]]:
    """Row numbers, each with its record or with what is wrong with it.

    No more is read than `Room` has. (Arrow takes up to 2 GiB more for a moment where a file lies about its pages.)
    Raises OSError, and DataError for a file that holds too much, is no Parquet or has not the right columns.
    """
    import pyarrow as pa

    with source.unpacked() as stream:
        room = Room(source.path)
        try:
            file, names = _opened(stream, source, room)
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            raise DataError(f"{source.path}: cannot be read as Parquet: {_message(error)}; write it again") from error
        batches = _batches(file, names)
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


def _opened(stream: BinaryIO, source: Source, room: Room) -> tuple[pq.ParquetFile, list[str]]:
    """The file, and which of the columns that count it has."""
    import pyarrow.parquet as pq

    file = pq.ParquetFile(
        stream,
        pre_buffer=False,
        arrow_extensions_enabled=False,
        thrift_string_size_limit=max(1, room.size),
        thrift_container_size_limit=max(1, room.size),
    )
    names = named_columns(file.schema_arrow, source.path, source.columns)
    # What a column chunk says of itself is not asked for: pyarrow ends the process where that makes no sense.
    groups = map(file.metadata.row_group, range(file.metadata.num_row_groups))
    room.check(_ROW_BYTES * file.metadata.num_rows + sum(max(0, group.total_byte_size) for group in groups))
    return file, names


def _batches(file: pq.ParquetFile, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """One row group after the other, so that what is wrong with one does not keep those before it from being read."""
    columns = leaf_paths(file.schema, names)
    for group in range(file.metadata.num_row_groups):
        yield from file.iter_batches(_BATCH_ROWS, row_groups=[group], columns=columns, use_threads=False)


def _record(values: Mapping[str, pa.Scalar], room: Room) -> Mapping[str, Any] | str:
    """Python's values of one row, or what is wrong with it. Raises DataError if the room does not suffice."""
    import pyarrow as pa

    lists = [value for name, value in values.items() if name in LISTS and value.is_valid]
    room.take(_ROW_BYTES * (1 + sum(map(len, lists))))
    try:
        record = {name: value.as_py() for name, value in values.items()}
    except UnicodeDecodeError:
        return "is not UTF-8 text"
    except pa.ArrowException as error:
        return f"cannot be read: {_message(error)}"
    texts = [value for name, value in record.items() if name not in LISTS]
    texts += [part for name in LISTS for turn in record.get(name) or [] if turn is not None for part in turn.values()]
    room.take(sum(len(text) for text in texts if isinstance(text, str)))
    return record


def _message(error: Exception) -> str:
    """Arrow's messages can be long."""
    return " ".join(str(error).split())[:200].rstrip(".")

"""Parquet: a few rows at a time, and no more than the file's length explains."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO

from fednode.data.arrow_rows import BATCH_ROWS, ROW_BYTES, message, rows_of
from fednode.data.class_names import features_in, with_class_names
from fednode.data.parquet_columns import Place, leaf_paths, named_places
from fednode.data.room import Room
from fednode.data.rows import DataError
from fednode.data.source import Source

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq


def parquet_records(source: Source) -> Iterator[tuple[int, Mapping[str, Any] | str]]:
    """Row numbers, each with its record or with what is wrong with it. What classes of the completion are called is
    taken from what `datasets` wrote into the file, unless `source.columns` has labels.

    No more is read than `Room` has. (Arrow takes up to 2 GiB more for a moment where a file lies about its pages.)
    Raises OSError, and DataError for a file that holds too much, is no Parquet or has not the right columns.
    """
    import pyarrow as pa

    with source.unpacked() as stream:
        room = Room(source.path)
        try:
            file, places = _opened(stream, source, room)
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            raise DataError(f"{source.path}: cannot be read as Parquet: {message(error)}; write it again") from error
        batches = _batches(file, places)
        number = 0
        while True:
            try:
                batch = next(batches, None)
            except (pa.ArrowException, OSError) as error:
                yield number + 1, f"cannot be read, nor can what comes after it: {message(error)}"
                return
            if batch is None:
                return
            for found in rows_of(batch, places, room):
                number += 1
                yield number, found


def _opened(stream: BinaryIO, source: Source, room: Room) -> tuple[pq.ParquetFile, list[Place]]:
    """The file, and the columns that count."""
    import pyarrow.parquet as pq

    file = pq.ParquetFile(
        stream,
        pre_buffer=False,
        arrow_extensions_enabled=False,
        thrift_string_size_limit=max(1, room.size),
        thrift_container_size_limit=max(1, room.size),
    )
    schema = file.schema_arrow
    source.columns, said = with_class_names(source.columns, features_in(schema))
    source.remarks += said
    places = named_places(schema, source.path, source.columns)
    # What a column chunk says of itself is not asked for: pyarrow ends the process where that makes no sense.
    groups = map(file.metadata.row_group, range(file.metadata.num_row_groups))
    room.check(ROW_BYTES * file.metadata.num_rows + sum(max(0, group.total_byte_size) for group in groups))
    return file, places


def _batches(file: pq.ParquetFile, places: Sequence[Place]) -> Iterator[pa.RecordBatch]:
    """One row group after the other, so that what is wrong with one does not keep those before it from being read."""
    columns = leaf_paths(file.schema, places)
    for group in range(file.metadata.num_row_groups):
        yield from file.iter_batches(BATCH_ROWS, row_groups=[group], columns=columns, use_threads=False)

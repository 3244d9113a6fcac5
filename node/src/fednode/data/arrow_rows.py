"""Rows of Arrow's tables as Python's values, and no more of them than there is room for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fednode.data.parquet_columns import Place, is_list
from fednode.data.room import Room

if TYPE_CHECKING:
    import pyarrow as pa

BATCH_ROWS = 16  # they may all hold one long text of the file's dictionary
ROW_BYTES = 256  # that a row, or an item of a list, takes beside its text


def rows_of(batch: pa.RecordBatch | pa.Table, places: Sequence[Place], room: Room) -> Iterator[Mapping[str, Any] | str]:
    """Each row's columns by name, or what is wrong with it. Raises DataError if the room does not suffice."""
    import pyarrow as pa

    columns = {place.column: batch.column(place.column) for place in places}
    with_lists = [name for name, column in columns.items() if _holds_lists(column.type)]
    for values in zip(*columns.values(), strict=True):
        found: Mapping[str, Any] | str
        try:
            found = _record(dict(zip(columns, values, strict=True)), with_lists, room)
        except UnicodeDecodeError:
            found = "is not UTF-8 text"
        except pa.ArrowException as error:
            found = f"cannot be read: {message(error)}"
        yield found


def message(error: Exception) -> str:
    """Arrow's messages can be long."""
    return " ".join(str(error).split())[:200].rstrip(".")


def _record(values: Mapping[str, pa.Scalar], with_lists: Sequence[str], room: Room) -> Mapping[str, Any]:
    room.take(ROW_BYTES)
    for name in with_lists:
        _take_items(values[name], room)
    record = {name: value.as_py() for name, value in values.items()}
    room.take(sum(len(value) if isinstance(value, str) else _length(value) for value in record.values()))
    return record


def _take_items(value: pa.Scalar, room: Room) -> None:
    """Take what the items of all lists in a value need, before they are made."""
    from pyarrow import types as is_a

    if not value.is_valid:
        return
    if is_a.is_struct(value.type):
        for index in range(value.type.num_fields):
            _take_items(value[index], room)
    elif is_list(value.type):
        room.take(ROW_BYTES * len(value))
        if is_a.is_nested(value.type.value_type) and _holds_lists(value.type.value_type):
            for item in value:
                _take_items(item, room)


def _holds_lists(kind: pa.DataType) -> bool:
    from pyarrow import types as is_a

    if is_a.is_struct(kind):
        return any(_holds_lists(kind.field(index).type) for index in range(kind.num_fields))
    return is_list(kind)


def _length(value: Any) -> int:
    """Characters of all text in a value."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, Mapping):
        return sum(map(_length, value.values()))
    return sum(map(_length, value)) if isinstance(value, list) else 0

"""The columns of a Parquet file that count: `prompt`, `completion`, `messages` and `domain`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fednode.data.rows import DOMAIN, MESSAGES, TEXTS, DataError

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

_PARTS = ("role", "content")
_WEIGHT = "weight"  # a message may have one


def named_columns(schema: pa.Schema, path: Path) -> list[str]:
    """The columns that count. Raises DataError if some are missing, doubled or of another type."""
    names = [name for name in (*TEXTS, MESSAGES, DOMAIN) if name in schema.names]
    has = f"it has: {', '.join(schema.names)}"[:300]
    if MESSAGES not in names and (absent := [name for name in TEXTS if name not in names]):
        raise DataError(f"{path}: has no column {' and '.join(absent)}, nor messages; {has}")
    for name in names:
        if schema.names.count(name) > 1:
            raise DataError(f"{path}: has two columns named {name}; {has}")
        kind = schema.field(name).type
        is_right, wanted = (
            (_is_messages, "a list of role and content (text), perhaps weight (a number)")
            if name == MESSAGES
            else (_is_text, "text")
        )
        if not is_right(kind):
            raise DataError(f"{path}: column {name} is not {wanted} but {str(kind)[:100]}")
    return names


def _is_text(kind: pa.DataType) -> bool:
    from pyarrow import types as is_a

    if is_a.is_dictionary(kind):
        kind = kind.value_type
    return any(test(kind) for test in (is_a.is_string, is_a.is_large_string, is_a.is_string_view, is_a.is_null))


def _is_messages(kind: pa.DataType) -> bool:
    from pyarrow import types as is_a

    if is_a.is_null(kind):
        return True
    if not any(test(kind) for test in (is_a.is_list, is_a.is_large_list, is_a.is_fixed_size_list)):
        return False
    message = kind.value_type
    if not is_a.is_struct(message):
        return False
    if len(weights := message.get_all_field_indices(_WEIGHT)) > 1 or any(
        not _is_number(message.field(i).type) for i in weights
    ):
        return False
    return all(len(message.get_all_field_indices(part)) == 1 and _is_text(message.field(part).type) for part in _PARTS)


def _is_number(kind: pa.DataType) -> bool:
    from pyarrow import types as is_a

    return any(test(kind) for test in (is_a.is_integer, is_a.is_floating, is_a.is_boolean, is_a.is_null))


def leaf_paths(schema: pq.ParquetSchema) -> list[str]:
    """The paths of the stored columns that are read; of messages only `role`, `content` and `weight`."""
    paths = [schema.column(index).path for index in range(len(schema))]
    return [
        path
        for path in paths
        if path in (*TEXTS, MESSAGES, DOMAIN)
        or (path.startswith(f"{MESSAGES}.") and path.rpartition(".")[2] in (*_PARTS, _WEIGHT) and path.count(".") <= 3)
    ]

"""The columns of a Parquet file that count, and whether they are of types that rows can be made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fednode.data.columns import Columns
from fednode.data.layouts import CONVERSATIONS, INSTRUCTION, TURN
from fednode.data.rows import MESSAGES, DataError, name_columns

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

LISTS: Mapping[str, tuple[str, str]] = {MESSAGES: ("role", "content"), CONVERSATIONS: TURN}
"""Columns that hold lists, with the texts of which an item consists."""

_WEIGHT = "weight"  # a message may have one


def named_columns(schema: pa.Schema, path: Path, columns: Columns) -> list[str]:
    """The columns that count. Raises DataError if some are missing, doubled or of another type."""
    has = f"it has: {', '.join(schema.names)}"[:300]
    names = _wanted(schema, path, columns, has)
    for name in names:
        if schema.names.count(name) > 1:
            raise DataError(f"{path}: has two columns named {name}; {has}")
        kind = schema.field(name).type
        if name == columns.completion and not columns.labels and _is_number(kind):
            raise DataError(
                f"{path}: column {name} holds {str(kind)[:100]}, not text: say in the config what each value means, "
                'such as [data] labels = {0 = "no", 1 = "yes"}'
            )
        if wanted := _another_type(name, kind, columns):
            raise DataError(f"{path}: column {name} is not {wanted} but {str(kind)[:100]}")
    return names


def _wanted(schema: pa.Schema, path: Path, columns: Columns, has: str) -> list[str]:
    absent = [name for name in columns.texts if name not in schema.names]
    if not absent or MESSAGES in schema.names:
        kinds: tuple[str, ...] = (*columns.texts, MESSAGES)
    elif {INSTRUCTION[0], INSTRUCTION[-1]} <= set(schema.names):
        kinds = INSTRUCTION
    elif CONVERSATIONS in schema.names:
        kinds = (CONVERSATIONS,)
    else:
        raise DataError(f"{path}: has no column {' and '.join(absent)}, nor messages; {has}; {name_columns(columns)}")
    return [name for name in (*kinds, columns.domain) if name in schema.names]


def _another_type(name: str, kind: pa.DataType, columns: Columns) -> str | None:
    """What a column must be and is not."""
    if name in LISTS:
        more = ", perhaps weight (a number)" if name == MESSAGES else ""
        is_list = _is_list_of(kind, LISTS[name], name == MESSAGES)
        return None if is_list else f"a list of {' and '.join(LISTS[name])} (text){more}"
    if name == columns.completion and columns.labels and _is_number(kind):
        return None
    return None if _is_text(kind) else "text"


def _is_text(kind: pa.DataType) -> bool:
    from pyarrow import types as is_a

    if is_a.is_dictionary(kind):
        kind = kind.value_type
    return any(test(kind) for test in (is_a.is_string, is_a.is_large_string, is_a.is_string_view, is_a.is_null))


def _is_list_of(kind: pa.DataType, parts: Sequence[str], weighed: bool) -> bool:
    from pyarrow import types as is_a

    if is_a.is_null(kind):
        return True
    if not any(test(kind) for test in (is_a.is_list, is_a.is_large_list, is_a.is_fixed_size_list)):
        return False
    item = kind.value_type
    if not is_a.is_struct(item):
        return False
    weights = item.get_all_field_indices(_WEIGHT) if weighed else []
    if len(weights) > 1 or any(not (_is_number(kind := item.field(i).type) or is_a.is_null(kind)) for i in weights):
        return False
    return all(len(item.get_all_field_indices(part)) == 1 and _is_text(item.field(part).type) for part in parts)


def _is_number(kind: pa.DataType) -> bool:
    from pyarrow import types as is_a

    return any(test(kind) for test in (is_a.is_integer, is_a.is_floating, is_a.is_boolean))


def leaf_paths(schema: pq.ParquetSchema, names: Sequence[str]) -> list[str]:
    """The paths of the stored columns that are read for the columns `names`; of lists only the parts that count."""
    paths = [schema.column(index).path for index in range(len(schema))]
    return [path for path in paths if path in names or _is_part(path, names)]


def _is_part(path: str, names: Sequence[str]) -> bool:
    column, _, rest = path.partition(".")
    return (
        column in names
        and column in LISTS
        and rest.rpartition(".")[2] in (*LISTS[column], _WEIGHT)
        and path.count(".") <= 3
    )

"""The columns of an Arrow table that count, and whether they are of types that rows can be made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fednode.data.columns import Columns
from fednode.data.fields import is_index, splits
from fednode.data.layouts import CONVERSATIONS, INSTRUCTION, TURN
from fednode.data.rows import MESSAGES, DataError, name_columns

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

LISTS: Mapping[str, tuple[str, str]] = {MESSAGES: ("role", "content"), CONVERSATIONS: TURN}
"""Columns that hold lists, with the texts of which an item consists."""

_WEIGHT = "weight"  # a message may have one


@dataclass(frozen=True)
class Place:
    """Where a name leads: into `column`, of which what lies at `stored` (names of structs, joined by points) is read,
    to values of the type `kind`."""

    name: str
    column: str
    stored: str
    kind: pa.DataType


def named_places(schema: pa.Schema, path: object, columns: Columns) -> list[Place]:
    """The columns that count. `path`: what the table is called in errors.

    Raises DataError if some are missing, doubled or of another type.
    """
    has = f"it has: {', '.join(schema.names)}"[:300]
    places = []
    for name in _wanted(schema, path, columns, has):
        place = _place(schema, name)
        assert place is not None  # noqa: S101 - it is among the wanted ones because it is there
        if schema.names.count(place.column) > 1:
            raise DataError(f"{path}: has two columns named {place.column}; {has}")
        if name == columns.completion and not columns.labels and _is_number(place.kind):
            raise DataError(
                f"{path}: column {name} holds {str(place.kind)[:100]}, not text: say in the config what each value "
                'means, such as [data] labels = {0 = "no", 1 = "yes"}'
            )
        if wanted := _another_type(name, place.kind, columns):
            raise DataError(f"{path}: column {name} is not {wanted} but {str(place.kind)[:100]}")
        places.append(place)
    return places


def _wanted(schema: pa.Schema, path: object, columns: Columns, has: str) -> list[str]:
    absent = [name for name in columns.texts if _place(schema, name) is None]
    if not absent or MESSAGES in schema.names:
        kinds: tuple[str, ...] = (*columns.texts, MESSAGES)
    elif {INSTRUCTION[0], INSTRUCTION[-1]} <= set(schema.names):
        kinds = INSTRUCTION
    elif CONVERSATIONS in schema.names:
        kinds = (CONVERSATIONS,)
    else:
        raise DataError(f"{path}: has no column {' and '.join(absent)}, nor messages; {has}; {name_columns(columns)}")
    return [name for name in (*kinds, columns.domain) if _place(schema, name) is not None]


def _place(schema: pa.Schema, name: str) -> Place | None:
    for column, rest in splits(name):
        if column in schema.names:
            kind = schema.field(schema.names.index(column)).type
            found = _inside(kind, rest, column) if rest else (column, kind)
            return None if found is None else Place(name, column, *found)
    return None


def _inside(kind: pa.DataType, path: str, stored: str) -> tuple[str, pa.DataType] | None:
    """What of a column is read for a path into it, and the type of the values at the end. Of lists all is read."""
    from pyarrow import types as is_a

    in_list = False
    while path:
        if is_a.is_struct(kind):
            names = [kind.field(index).name for index in range(kind.num_fields)]
            name, path = next(((name, rest) for name, rest in splits(path) if name in names), ("", ""))
            if not name:
                return None
            stored = stored if in_list else f"{stored}.{name}"
            kind = kind.field(names.index(name)).type
        elif is_list(kind) and is_index(path.partition(".")[0]):
            in_list, kind, path = True, kind.value_type, path.partition(".")[2]
        else:
            return None
    return stored, kind


def _another_type(name: str, kind: pa.DataType, columns: Columns) -> str | None:
    """What a column must be and is not."""
    if name in LISTS:
        more = ", perhaps weight (a number)" if name == MESSAGES else ""
        has_parts = _is_list_of(kind, LISTS[name], name == MESSAGES)
        return None if has_parts else f"a list of {' and '.join(LISTS[name])} (text){more}"
    if name == columns.completion and columns.labels and _is_number(kind):
        return None
    return None if _is_text(kind) else "text"


def _is_text(kind: pa.DataType) -> bool:
    from pyarrow import types as is_a

    if is_a.is_dictionary(kind):
        kind = kind.value_type
    return any(test(kind) for test in (is_a.is_string, is_a.is_large_string, is_a.is_string_view, is_a.is_null))


def is_list(kind: pa.DataType) -> bool:
    from pyarrow import types as is_a

    return any(test(kind) for test in (is_a.is_list, is_a.is_large_list, is_a.is_fixed_size_list))


def _is_list_of(kind: pa.DataType, parts: Sequence[str], weighed: bool) -> bool:
    from pyarrow import types as is_a

    if is_a.is_null(kind):
        return True
    if not is_list(kind):
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


def leaf_paths(schema: pq.ParquetSchema, places: Sequence[Place]) -> list[str]:
    """The paths of the stored columns that are read for `places`; of lists of messages only the parts that count."""
    paths = [schema.column(index).path for index in range(len(schema))]
    return [path for path in paths if any(_is_part(path, place) for place in places)]


def _is_part(path: str, place: Place) -> bool:
    if path == place.stored:
        return True
    if not path.startswith(place.stored + "."):
        return False
    if place.name not in LISTS:
        return place.name != place.column
    return path.rpartition(".")[2] in (*LISTS[place.name], _WEIGHT) and path.count(".") <= 3

"""The names of classes that the `datasets` library keeps beside the numbers of a column."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fednode.data.columns import Columns
from fednode.data.fields import is_index, splits

if TYPE_CHECKING:
    import pyarrow as pa

_METADATA = b"huggingface"
_SHOWN = 20  # classes


def features_in(schema: pa.Schema) -> Mapping[str, Any]:
    """What `datasets` wrote of its features into the metadata of a schema, as JSON; empty: nothing."""
    try:
        found = json.loads((schema.metadata or {})[_METADATA])["info"]["features"]
    except (KeyError, TypeError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def with_class_names(columns: Columns, features: Mapping[str, Any]) -> tuple[Columns, list[str]]:
    """`columns` with the names of the completion's classes as labels, and a line that says so, if the features have
    them. Labels that a person gave are left as they are."""
    names = [] if columns.labels else _names(features, columns.completion)
    if not names:
        return columns, []
    shown = ", ".join(f"{number} = {name}" for number, name in enumerate(names[:_SHOWN]))
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    said = f"{columns.completion} holds numbers of classes, which the data themselves name: {shown}{more}"
    return replace(columns, labels={str(number): name for number, name in enumerate(names)}), [said]


def _names(feature: Any, path: str) -> list[str]:
    """The names of the feature that `path` leads to, if it is a ClassLabel (features of `datasets` 2 to 5)."""
    if isinstance(feature, list) and len(feature) == 1:
        feature = {"feature": feature[0]}
    if not isinstance(feature, Mapping):
        return []
    if not path:
        names = feature.get("names") if feature.get("_type") == "ClassLabel" else None
        is_whole = isinstance(names, list) and all(isinstance(name, str) and name.strip() for name in names)
        return names if isinstance(names, list) and is_whole else []
    if "feature" in feature and is_index(path.partition(".")[0]):
        return _names(feature["feature"], path.partition(".")[2])
    return next((_names(feature[name], rest) for name, rest in splits(path) if name in feature), [])

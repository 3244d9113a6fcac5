"""A data file as a `datasets` table."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from fednode.data.columns import Columns
from fednode.data.problems import Problems
from fednode.data.read import rows_in
from fednode.data.rows import DataError, Problem, Row

if TYPE_CHECKING:
    import pyarrow as pa
    from datasets import Dataset

_NAMES = ("prompt", "completion", "domain")
_BATCH = 4096  # rows that are held twice
WHAT_TO_DO = "correct the file; `fednode data check` says when it is right"


def load_data(path: Path, columns: Columns | None = None) -> Dataset:
    """The file as a table with the text columns `prompt`, `completion` and `domain` (may be null).

    Raises DataError, naming rows, if a row cannot be used or if there is none: nothing is left out in silence.
    """
    import pyarrow as pa
    from datasets import Dataset
    from datasets.table import InMemoryTable

    problems = Problems()
    schema = pa.schema([(name, pa.string()) for name in _NAMES])
    batches = list(_batches(path, columns, problems, schema))
    if problems.count or not batches:
        wrong = problems.lines() or ["there is not one row in it"]
        raise DataError("\n".join([f"{path}:", *wrong, WHAT_TO_DO]))
    return Dataset(InMemoryTable(pa.Table.from_batches(batches, schema)))


def _batches(path: Path, columns: Columns | None, problems: Problems, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    held: list[Row] = []
    for found in rows_in(path, columns):
        if isinstance(found, Problem):
            problems.add(found)
        elif not problems.count:
            held.append(found[1])
        if len(held) == _BATCH:
            yield _batch(held, schema)
            held = []
    if held:
        yield _batch(held, schema)


def _batch(rows: list[Row], schema: pa.Schema) -> pa.RecordBatch:
    import pyarrow as pa

    return pa.record_batch([pa.array([getattr(row, name) for row in rows], pa.string()) for name in _NAMES], schema)

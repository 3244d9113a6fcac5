"""A data file as a `datasets` table."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from fednode.data.columns import Columns
from fednode.data.content import Content
from fednode.data.held_out import is_held_out
from fednode.data.problems import Problems
from fednode.data.read import rows_in
from fednode.data.row_copies import RowCopy
from fednode.data.rows import DataError, Problem, Row
from fednode.data_source import HfSplit, Portion, portion

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from datasets import Dataset
    from datasets.table import Table
    from numpy.typing import NDArray

    from fednode.data.source import Progress

_NAMES = ("prompt", "completion", "domain")
_HELD_OUT = "held_out"
_BATCH = 4096  # rows that are held twice
MOST_HELD = 1 << 26
"""Bytes of rows that are held in memory where copies may be written."""
WHAT_TO_DO = "correct the file; `fednode data check` says when it is right"


def load_data(
    rows: Path | HfSplit | Portion,
    columns: Columns | None = None,
    copies: Path | None = None,
    progress: Progress | None = None,
) -> Dataset:
    """The rows as a table with the text columns `prompt`, `completion` and `domain` (may be null); of a portion with a
    side, the rows of that side alone.

    `copies`: a private folder, in which a copy of the rows is kept if they are more than 64 MiB. They then take no
    memory, and are not read again as long as the file stays as it is. None: all are held in memory.

    Raises DataError, naming rows, if a row cannot be used or if there is none: nothing is left out in silence; also if
    the file changes while it is read.
    """
    import pyarrow as pa
    from datasets import Dataset
    from datasets.table import InMemoryTable

    chosen, columns = portion(rows), columns or Columns()
    content = Content.of_rows(chosen, columns)
    copy = None if copies is None else RowCopy(copies, content)
    if copy is not None and copy.is_there:
        table = copy.mapped()
    else:
        schema = pa.schema([*((name, pa.string()) for name in _NAMES), (_HELD_OUT, pa.bool_())])
        batches = _batches(content, columns, schema, progress)
        held = list(batches if copy is None else _held(batches))
        following = next(batches, None)
        if copy is None or following is None:
            table = InMemoryTable(pa.Table.from_batches(held, schema))
        else:
            copy.write(chain(held, [following], batches), schema)
            table = copy.mapped()
    if copy is not None:
        copy.delete_older()
    # with a fingerprint, for else every row is hashed, from a second copy of all in memory
    whole = Dataset(table.select(list(_NAMES)), fingerprint=content.key)
    return whole if chosen.side is None else whole.select(_of_side(table, chosen))


def _of_side(table: Table, chosen: Portion) -> NDArray[np.int64]:
    """The indices of the rows on a portion's side: int64 [rows]. Raises DataError if there is none."""
    import numpy as np

    held_out = np.concatenate([part.to_numpy(zero_copy_only=False) for part in table.column(_HELD_OUT).chunks])
    indices = np.flatnonzero(held_out if chosen.side == "test" else ~held_out)
    if not len(indices):
        what = "held out for scoring" if chosen.side == "test" else "left to train on"
        raise DataError(f"{chosen}: of its {len(held_out)} rows none is {what} with [data] split = {chosen.share:g}")
    return indices


def _held(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """As many as may be held in memory, and one more."""
    size = 0
    for batch in batches:
        yield batch
        size += batch.nbytes
        if size > MOST_HELD:
            return


def _batches(
    content: Content, columns: Columns, schema: pa.Schema, progress: Progress | None
) -> Iterator[pa.RecordBatch]:
    """Raises DataError at the end, for all rows that cannot be used, or if the file is no longer what it was."""
    problems, held, are_none = Problems(), list[Row](), True
    for found in rows_in(content.of, columns, progress):
        if isinstance(found, Problem):
            problems.add(found)
        elif not problems.count:
            held.append(found[1])
        if len(held) == _BATCH:
            yield _batch(held, content.of.share, schema)
            held, are_none = [], False
    if problems.count or (are_none and not held):
        wrong = problems.lines() or ["there is not one row in it"]
        raise DataError("\n".join([f"{content.of}:", *wrong, WHAT_TO_DO]))
    content.require_same()
    if held:
        yield _batch(held, content.of.share, schema)


def _batch(rows: list[Row], share: float, schema: pa.Schema) -> pa.RecordBatch:
    import pyarrow as pa

    texts = [pa.array([getattr(row, name) for row in rows], pa.string()) for name in _NAMES]
    return pa.record_batch([*texts, pa.array([is_held_out(row, share) for row in rows])], schema)

"""A data file to rows of text, with every row that is wrong named by its place.

`datasets` could read all three kinds, but stops at the first bad row and does not say where it stands; its table holds
the rows afterwards (`load_data`).
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from fedprotocol.foreign_errors import told_as

from fednode.data.csv import csv_records
from fednode.data.jsonl import jsonl_records
from fednode.data.parquet import parquet_records
from fednode.data.rows import DataError, Problem, Row, Table, to_row

Reader = Callable[[Path], Iterator[tuple[int, Mapping[str, Any] | str]]]
_KINDS: Mapping[str, tuple[Reader, Literal["line", "row"]]] = {
    ".jsonl": (jsonl_records, "line"),
    ".ndjson": (jsonl_records, "line"),
    ".csv": (csv_records, "line"),
    ".parquet": (parquet_records, "row"),
}


def read_rows(path: Path) -> Table:
    """Read a .jsonl/.ndjson, .csv or .parquet file. A row has `prompt` and `completion`, or (but in CSV) `messages`,
    and perhaps `domain`; what else it has is ignored.

    Raises DataError if there is no such file, if it is of another kind or if nothing in it can be read.
    """
    if path.suffix.lower() not in _KINDS:
        raise DataError(
            f"{path}: give a .jsonl file (one JSON object a line), a .csv file with a header or a .parquet file"
        )
    read, unit = _KINDS[path.suffix.lower()]
    rows: list[Row] = []
    problems: list[Problem] = []
    with told_as(DataError, f"{path}: cannot be read", "check [data] in the config"):
        for number, found in read(path):
            outcome = found if isinstance(found, str) else to_row(found)
            if isinstance(outcome, Row):
                rows.append(outcome)
            else:
                problems.append(Problem(number, outcome, unit))
    return Table(tuple(rows), tuple(problems))

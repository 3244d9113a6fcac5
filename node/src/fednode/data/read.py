"""A data file to rows of text, with every row that is wrong named by its place.

`datasets` could read most kinds, but stops at the first bad row and does not say where it stands; its table holds the
rows afterwards (`load_data`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from fedprotocol.foreign_errors import told_as

from fednode.data.columns import Columns
from fednode.data.csv import csv_records
from fednode.data.jsonl import is_array, item_records, line_records
from fednode.data.parquet import parquet_records
from fednode.data.rows import DataError, Problem, Row, Table, Unit, to_row
from fednode.data.source import Progress, Source
from fednode.data.xlsx import xlsx_records

Reader = Callable[[Source], Iterator[tuple[int, Mapping[str, Any] | str]]]

KINDS = (
    ".jsonl (one JSON object a line), .json (an array of objects), .csv or .tsv with a header, .xlsx or .parquet; all "
    "but the last two may be packed by gzip (.gz)"
)
_JSON = (".jsonl", ".ndjson", ".json")
_CSV = (".csv", ".tsv")
_TELL_EVERY = 1000  # rows


def rows_in(
    path: Path, columns: Columns | None = None, encoding: str | None = None, progress: Progress | None = None
) -> Iterator[tuple[int, Row] | Problem]:
    """The rows of a data file, one after the other, each with its number, or what is wrong with it.

    `encoding`: of its text, if it is neither UTF-8 nor UTF-16 with a byte-order mark. Raises DataError if there is no
    such file, if it is of another kind or if nothing in it can be read.
    """
    columns = columns or Columns()
    with told_as(DataError, f"{path}: cannot be read", "check its name, its folder and who may read it"):
        source = Source(path, columns, encoding)
        read, unit = _reader(source)
        for count, (number, found) in enumerate(read(source)):
            if progress is not None and count % _TELL_EVERY == 0:
                progress(*source.position())
            outcome = found if isinstance(found, str) else to_row(found, columns)
            yield (number, outcome) if isinstance(outcome, Row) else Problem(number, outcome, unit)


def read_rows(path: Path, columns: Columns | None = None, encoding: str | None = None) -> Table:
    """Read a whole data file. A row has `prompt` and `completion` (or what `columns` calls them), or (but in CSV)
    `messages`, or one of the other `layouts`, and perhaps `domain`; what else it has is ignored.

    Raises DataError likewise.
    """
    rows: list[Row] = []
    problems: list[Problem] = []
    for found in rows_in(path, columns, encoding):
        if isinstance(found, Problem):
            problems.append(found)
        else:
            rows.append(found[1])
    return Table(tuple(rows), tuple(problems))


def _reader(source: Source) -> tuple[Reader, Unit]:
    """The reader for the file's content; if that does not tell, for the ending of its name."""
    kinds = [suffix.lower() for suffix in source.path.suffixes]
    kind = next((suffix for suffix in reversed(kinds) if suffix != ".gz"), "")
    start = b"" if kind in (*_JSON, *_CSV) else source.first(4)
    if start == b"PAR1" or kind == ".parquet":
        return parquet_records, "row"
    if start == b"PK\3\4" or kind == ".xlsx":
        return xlsx_records, "row"
    if kind in _CSV:
        return csv_records, "line"
    if kind not in _JSON:
        raise DataError(f"{source.path}: its name must end in {KINDS}")
    return (item_records, "item") if is_array(source) else (line_records, "line")

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
from fednode.data.hf_records import HfSource
from fednode.data.jsonl import is_array, item_records, line_records
from fednode.data.packed import ENDINGS
from fednode.data.parquet import parquet_records
from fednode.data.rows import DataError, Problem, Row, Table, Unit, to_rows
from fednode.data.source import Progress, Source
from fednode.data.xlsx import xlsx_records
from fednode.data_source import HfSplit, Portion, portion

Records = Iterator[tuple[int, Mapping[str, Any] | str]]
Reader = Callable[[Source], Records]

KINDS = (
    ".jsonl (one JSON object a line), .json (an array of objects), .csv or .tsv with a header, .xlsx or .parquet; all "
    "but the last two may be packed by gzip (.gz) or zstd (.zst)"
)
_JSON = (".jsonl", ".ndjson", ".json")
_CSV = (".csv", ".tsv")
_TELL_EVERY = 1000  # rows


def rows_in(
    rows: Path | HfSplit | Portion,
    columns: Columns | None = None,
    progress: Progress | None = None,
    remark: Callable[[str], None] | None = None,
) -> Iterator[tuple[int, Row] | Problem]:
    """All rows of a data file or a data set, one after the other, each with its number, or what is wrong with it; of a
    portion those of both sides. Where every answer of a conversation is learned, rows of one have one number.

    `remark` is told what was found out about the file by itself. Raises DataError if there is no such file, if it is of
    another kind or if nothing in it can be read.
    """
    named = portion(rows).source
    with told_as(DataError, f"{named}: cannot be read", "check its name, its folder and who may read it"):
        source, records, unit = _opened(named, columns or Columns())
        for count, (number, found) in enumerate(records):
            if progress is not None and count % _TELL_EVERY == 0 and source.position()[1]:
                progress(*source.position())
            while remark is not None and source.remarks:
                remark(source.remarks.pop(0))
            outcome = found if isinstance(found, str) else to_rows(found, source.columns)
            if isinstance(outcome, str):
                yield Problem(number, outcome, unit)
            else:
                yield from ((number, row) for row in outcome)


def read_rows(rows: Path | HfSplit | Portion, columns: Columns | None = None) -> Table:
    """Read a whole data file. A row has `prompt` and `completion` (or what `columns` calls them), or (but in CSV)
    `messages`, or one of the other `layouts`, and perhaps `domain`; what else it has is ignored.

    Raises DataError likewise.
    """
    read: list[Row] = []
    problems: list[Problem] = []
    for found in rows_in(rows, columns):
        if isinstance(found, Problem):
            problems.append(found)
        else:
            read.append(found[1])
    return Table(tuple(read), tuple(problems))


def unit_of(rows: Path | HfSplit | Portion, columns: Columns | None = None) -> Unit:
    """What the numbers of its rows count. Raises DataError likewise."""
    named = portion(rows).source
    if isinstance(named, HfSplit):
        return "row"
    with told_as(DataError, f"{named}: cannot be read"):
        return _reader(Source(named, columns))[1]


def _opened(named: Path | HfSplit, columns: Columns) -> tuple[Source | HfSource, Records, Unit]:
    if isinstance(named, HfSplit):
        split = HfSource(named, columns)
        return split, split.records(), "row"
    file = Source(named, columns)
    read, unit = _reader(file)
    return file, read(file), unit


def _reader(source: Source) -> tuple[Reader, Unit]:
    """The reader for the file's content; if that does not tell, for the ending of its name."""
    kinds = [suffix.lower() for suffix in source.path.suffixes]
    kind = next((suffix for suffix in reversed(kinds) if suffix not in ENDINGS), "")
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

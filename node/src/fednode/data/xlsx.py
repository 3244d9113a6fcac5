"""Excel's workbooks: the first sheet, whose first row names the columns."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fednode.data.columns import Columns
from fednode.data.csv import header_problem, record_of
from fednode.data.room import Room
from fednode.data.rows import DataError
from fednode.data.source import Source


def xlsx_records(source: Source) -> Iterator[tuple[int, Mapping[str, Any] | str]]:
    """Row numbers, as Excel shows them, each with its record or with what is wrong with it.

    Raises OSError, and DataError for a file that unpacks to too much or is no workbook.
    """
    from openpyxl import load_workbook

    room = Room(source.path)
    try:
        with zipfile.ZipFile(source.path) as archive:
            room.check(sum(entry.file_size for entry in archive.infolist()))
        book = load_workbook(source.path, read_only=True, data_only=True)
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise DataError(f"{source.path}: cannot be read as an Excel workbook; save it as .xlsx again") from error
    try:
        sheet = book.worksheets[0]
        source.size = sheet.max_row or 0
        for number, found in _records(sheet.iter_rows(values_only=True), source.columns):
            source.read_so_far = number
            yield number, found
    finally:
        book.close()


def _records(rows: Iterator[Sequence[Any]], columns: Columns) -> Iterator[tuple[int, Mapping[str, Any] | str]]:
    header: list[str] | None = None
    for number, values in enumerate(rows, start=1):
        if all(value is None or value == "" for value in values):
            continue
        if header is None:
            header = ["" if value is None else str(value).strip() for value in values]
            if wrong := header_problem(header, columns):
                yield number, wrong
                return
        else:
            yield number, record_of(header, values)

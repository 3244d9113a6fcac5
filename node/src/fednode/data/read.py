"""JSONL and CSV files to rows of text, with every row that is wrong named by its line.

`datasets` could read both, but stops at the first bad row and does not say where it stands; its table holds the rows
afterwards (`load_data`).
"""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fedprotocol.errors import FedError

REQUIRED = ("prompt", "completion")
_BOM = b"\xef\xbb\xbf"
_LONGEST_FIELD = 1 << 24  # characters; csv's own limit of 131,072 is too short for documents


class DataError(FedError):
    """The data file cannot be used as it is."""


@dataclass(frozen=True)
class Row:
    """One example: the model sees `prompt` (in the spec's template) and learns `completion`."""

    prompt: str
    completion: str
    domain: str | None


@dataclass(frozen=True)
class Problem:
    """What is wrong at `line` of the file (from 1; for a CSV row of several lines, its last)."""

    line: int
    what: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.what}"


@dataclass(frozen=True)
class Table:
    """The usable rows of a file in their order, and what is wrong with the others."""

    rows: tuple[Row, ...]
    problems: tuple[Problem, ...]


def read_rows(path: Path) -> Table:
    """Read a .jsonl/.ndjson or .csv file with `prompt`, `completion` and perhaps `domain`; other columns are ignored.

    Raises DataError if there is no such file, if it is of another kind or if nothing in it can be read.
    """
    readers = {".jsonl": _json_lines, ".ndjson": _json_lines, ".csv": _csv_records}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise DataError(f"{path}: give a .jsonl file (one JSON object a line) or a .csv file with a header")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}; check [data] in the config") from error
    rows: list[Row] = []
    problems: list[Problem] = []
    for line, found in reader(content.removeprefix(_BOM)):
        outcome = found if isinstance(found, str) else _to_row(found)
        if isinstance(outcome, Row):
            rows.append(outcome)
        else:
            problems.append(Problem(line, outcome))
    return Table(tuple(rows), tuple(problems))


def _json_lines(content: bytes) -> Iterator[tuple[int, Mapping[str, Any] | str]]:
    for number, line in enumerate(content.split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line.decode("utf-8"))
        except UnicodeDecodeError as error:
            yield number, f"is not UTF-8 text (byte {error.start + 1})"
        except json.JSONDecodeError as error:
            yield number, f"is not valid JSON: {error.msg} (column {error.colno})"
        except (RecursionError, ValueError):
            yield number, "is not valid JSON: nested too deep or a number too long"
        else:
            yield number, value if isinstance(value, dict) else "is not a JSON object"


def _csv_records(content: bytes) -> Iterator[tuple[int, Mapping[str, Any] | str]]:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        yield content.count(b"\n", 0, error.start) + 1, "is not UTF-8 text; save the file as UTF-8"
        return
    csv.field_size_limit(_LONGEST_FIELD)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    header: Sequence[str] | None = None
    while True:
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield reader.line_num, f"is not valid CSV, and nothing after it can be read: {error}"
            return
        if not fields:
            continue
        if header is None:
            header = [name.strip() for name in fields]
            absent = [name for name in REQUIRED if name not in header]
            doubled = [name for name in (*REQUIRED, "domain") if header.count(name) > 1]
            if absent or doubled:
                what = f"no column {' and '.join(absent)}" if absent else f"two columns named {doubled[0]}"
                yield reader.line_num, f"the header has {what}; it names: {', '.join(header)}"
                return
        elif len(fields) != len(header):
            yield reader.line_num, f"has {len(fields)} fields, the header {len(header)}"
        else:
            yield reader.line_num, dict(zip(header, fields, strict=True))


def _to_row(record: Mapping[str, Any]) -> Row | str:
    """The row of one record, or what is wrong with it."""
    for name in REQUIRED:
        if record.get(name) is None:
            return f"has no {name}"
    for name in (*REQUIRED, "domain"):
        value = record.get(name)
        if value is None:
            continue
        if not isinstance(value, str):
            return f"{name} is not text but {type(value).__name__}"
        try:
            value.encode("utf-8")
        except UnicodeEncodeError:
            return f"{name} holds half a surrogate pair, which is no character"
    for name in REQUIRED:
        if not record[name].strip():
            return f"{name} is empty"
    return Row(record["prompt"], record["completion"], record.get("domain") or None)

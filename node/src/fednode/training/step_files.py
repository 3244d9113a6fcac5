"""The steps of one round's training as CSV: `round_<n>.csv` of a node, and of a run's results."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path

from fedprotocol.errors import FedError
from fedprotocol.files.whole import write_whole
from pydantic import TypeAdapter, ValidationError

from fednode.training.types import StepRecord

COLUMNS = tuple(field.name for field in fields(StepRecord))
MORE = "more values than columns"
_STEP = TypeAdapter(StepRecord)


class StepFileError(FedError):
    """Not a file of steps; the message names file and line."""


def write_steps(path: Path, steps: Iterable[StepRecord]) -> None:
    """Replace `path` by the steps, in this order. Raises OSError."""
    rows = [",".join(str(getattr(step, column)) for column in COLUMNS) for step in steps]
    write_whole(path, "".join(f"{row}\n" for row in [",".join(COLUMNS), *rows]))


def read_steps(path: Path) -> list[StepRecord]:
    """What `write_steps` wrote. Raises StepFileError, naming the line that is wrong."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise StepFileError(f"cannot read {path}: {error}") from None
    rows = csv.DictReader(text.splitlines(), restkey=MORE, restval="", strict=True)
    if tuple(rows.fieldnames or ()) != COLUMNS:
        raise StepFileError(f"{path}: the columns must be {','.join(COLUMNS)}, they are {rows.fieldnames}")
    steps = []
    for row in rows:
        where = f"{path}, line {rows.line_num}"
        if MORE in row:
            raise StepFileError(f"{where}: {MORE}")
        try:
            steps.append(_STEP.validate_strings(row, strict=True))
        except ValidationError as error:
            first = error.errors()[0]
            raise StepFileError(f"{where}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    return steps

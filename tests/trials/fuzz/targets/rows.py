"""A site's data file: what `jsonl`, `csv` and `parquet` share."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from fednode.data import DataError, Table, read_rows
from fednode.data.report import make_report

FOLDER = Path(tempfile.mkdtemp())


def reader(suffix: str) -> Callable[[bytes], Table]:
    path = FOLDER / f"d{suffix}"

    def parse(data: bytes) -> Table:
        path.write_bytes(data)
        return read_rows(path)

    return parse


def check_lines(data: bytes, table: Table) -> None:
    check(table, sum(map(data.count, (b"\n", b"\r", b","))) + 2)  # a comma also separates the items of an array


def check(table: Table, most: int) -> None:
    """Of a file that holds at most so many rows."""
    report = make_report(Path("d"), [*enumerate(table.rows, start=1), *table.problems])
    assert report.usable == len(table.rows)
    assert len(report.lines()) < 20
    assert len(table.rows) + len(table.problems) <= most
    assert all(1 <= problem.number <= most for problem in table.problems)
    for row in table.rows:
        assert row.prompt.strip() and row.completion.strip() and row.domain != ""
        "".join((row.prompt, row.completion, row.domain or "")).encode("utf-8")


def features(outcome: Table | DataError) -> Iterable[str]:
    if isinstance(outcome, Table):
        for problem in outcome.problems[:20]:
            yield re.sub(r"\d+|it names: .*", "#", problem.what, flags=re.DOTALL)[:60]
        yield f"{min(len(outcome.rows), 4)} rows"
    else:
        yield re.sub(r"\d+|it has: .*", "#", str(outcome).replace(str(FOLDER), ""), flags=re.DOTALL)[:100]

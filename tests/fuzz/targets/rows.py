"""A site's data file: what `jsonl` and `csv` share."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from fednode.data.read import DataError, Table, read_rows
from fednode.data.report import make_report

FOLDER = Path(tempfile.mkdtemp())


def reader(suffix: str) -> Callable[[bytes], Table]:
    path = FOLDER / f"d{suffix}"

    def parse(data: bytes) -> Table:
        path.write_bytes(data)
        return read_rows(path)

    return parse


def check(data: bytes, table: Table) -> None:
    report = make_report(Path("d"), table)
    assert report.usable == len(table.rows)
    assert len(report.lines()) < 20
    lines = data.count(b"\n") + data.count(b"\r") + 1
    assert len(table.rows) + len(table.problems) <= lines
    assert all(1 <= problem.line <= lines for problem in table.problems)
    for row in table.rows:
        assert row.prompt.strip() and row.completion.strip() and row.domain != ""
        "".join((row.prompt, row.completion, row.domain or "")).encode("utf-8")


def features(outcome: Table | DataError) -> Iterable[str]:
    if isinstance(outcome, Table):
        for problem in outcome.problems[:20]:
            yield re.sub(r"\d+|it names: .*", "#", problem.what, flags=re.DOTALL)[:60]
        yield f"{min(len(outcome.rows), 4)} rows"

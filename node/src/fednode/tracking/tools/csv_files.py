"""Two tables for any other program: `steps.csv` with a row for each step of training, `rounds.csv` for each round."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from fedprotocol.files.whole import write_whole

from fednode.tracking.chapters import OF_ROUNDS, OF_STEPS, ROUND, Chapter
from fednode.tracking.tracker import Run

STEP = "step"


def open_tracker(run: Run) -> CsvFiles:
    return CsvFiles(run.folder)


class CsvFiles:
    """What is there already is read and completed, and each file is written whole."""

    def __init__(self, folder: Path) -> None:
        self._tables = (_Table(folder / "steps.csv", OF_STEPS), _Table(folder / "rounds.csv", OF_ROUNDS))

    def take(self, chapters: Sequence[Chapter], before: int) -> None:  # noqa: ARG002 (the port's)
        for table in self._tables:
            table.add(chapters)

    def close(self) -> None:
        pass


class _Table:
    """Rows by their step; `names`: the columns after step and round."""

    def __init__(self, path: Path, names: tuple[str, ...]) -> None:
        self._path = path
        self._names = names
        self._columns = (STEP, ROUND, *(name.partition("/")[2] for name in names))
        self._rows: dict[int, dict[str, str]] = {}
        if path.is_file():
            rows = csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"), newline=""))
            self._rows = {int(row[STEP]): row for row in rows}

    def add(self, chapters: Sequence[Chapter]) -> None:
        for point in (point for chapter in chapters for point in chapter.points):
            own = {n.partition("/")[2]: repr(v) for n, v in point.values.items() if n in self._names}
            if own:
                row = self._rows.setdefault(point.step, {STEP: str(point.step), ROUND: f"{point.round:g}"})
                row.update(own)
        if self._rows:
            text = io.StringIO()
            writer = csv.DictWriter(text, self._columns, restval="", lineterminator="\n")
            writer.writeheader()
            writer.writerows(self._rows[step] for step in sorted(self._rows))
            write_whole(self._path, text.getvalue())

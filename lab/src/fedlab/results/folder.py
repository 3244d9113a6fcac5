"""Reading and writing `all_losses/demo-runs/<run>/`.

run.json  clients/<id>/round_<n>.csv  rounds.jsonl  summary.json  report.json  plots/*.png
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

from fednode.training import StepRecord
from fednode.training.step_files import read_steps, write_steps
from fedprotocol.complaints import complaints
from fedprotocol.files.whole import write_whole
from fedprotocol.printable import json_text
from pydantic import ValidationError

from fedlab.results.records import Record, Report, ResultsError, RoundRecord, RunInfo, Summary

R = TypeVar("R", bound=Record)
CLIENT_ID = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")


class ResultsFolder:
    """One run's results. Files are replaced whole, never left half written."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(cls, path: Path) -> ResultsFolder:
        """A new folder. Raises: ResultsError if it exists already (results are never overwritten)."""
        try:
            path.mkdir(parents=True)
        except FileExistsError:
            raise ResultsError(f"{path} exists already: choose another run name or move it away") from None
        return cls(path)

    @classmethod
    def open(cls, path: Path) -> ResultsFolder:
        """An existing folder. Raises: ResultsError if it holds no run.json."""
        if not (path / "run.json").is_file():
            raise ResultsError(f"{path} is no results folder: it has no run.json")
        return cls(path)

    @property
    def plots(self) -> Path:
        return self.path / "plots"

    def write_run(self, info: RunInfo) -> None:
        self._write("run.json", _pretty(info))

    def write_rounds(self, rounds: Iterable[RoundRecord]) -> None:
        self._write("rounds.jsonl", "".join(json_text(record.model_dump(mode="json")) + "\n" for record in rounds))

    def write_summary(self, summary: Summary) -> None:
        self._write("summary.json", _pretty(summary))

    def write_report(self, report: Report) -> None:
        self._write("report.json", _pretty(report))

    def write_steps(self, client: str, round_number: int, steps: Iterable[StepRecord]) -> None:
        if not CLIENT_ID.match(client):
            raise ResultsError(f"client id {client!r} cannot name a folder: use letters, digits, '_', '.' and '-'")
        write_steps(self.path / f"clients/{client}/round_{round_number}.csv", steps)

    def run(self) -> RunInfo:
        return self._read("run.json", RunInfo)

    def summary(self) -> Summary:
        return self._read("summary.json", Summary)

    def report(self) -> Report | None:
        """The report; None if the run wrote none."""
        return self._read("report.json", Report) if (self.path / "report.json").is_file() else None

    def rounds(self) -> list[RoundRecord]:
        """The rounds in order. Raises: ResultsError naming the line that is wrong, or if a round is out of order."""
        file = self.path / "rounds.jsonl"
        records = [
            _parse(RoundRecord, line, f"{file}, line {number}")
            for number, line in enumerate(_lines(_text(file)), start=1)
        ]
        numbers = [record.round for record in records]
        if numbers != sorted(set(numbers)):
            raise ResultsError(f"{file}: rounds must rise, they are {numbers}")
        return records

    def clients(self) -> dict[str, dict[int, list[StepRecord]]]:
        """Client id -> round -> its steps. Raises: StepFileError naming the line that is wrong."""
        found: dict[str, dict[int, list[StepRecord]]] = {}
        for file in sorted(self.path.glob("clients/*/round_*.csv")):
            number = file.stem.removeprefix("round_")
            if not number.isdecimal():
                raise ResultsError(f"{file}: the name must be round_<number>.csv")
            found.setdefault(file.parent.name, {})[int(number)] = read_steps(file)
        return {client: dict(sorted(rounds.items())) for client, rounds in found.items()}

    def _read(self, name: str, kind: type[R]) -> R:
        return _parse(kind, _text(self.path / name), str(self.path / name))

    def _write(self, name: str, text: str) -> None:
        write_whole(self.path / name, text)


def _pretty(record: Record) -> str:
    return json_text(record.model_dump(mode="json"), indent=2) + "\n"


def _lines(text: str) -> list[str]:
    """The lines of JSON Lines. Other characters that splitlines() takes for the end of a line may be inside a value."""
    return text.removesuffix("\n").split("\n") if text else []


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ResultsError(f"cannot read {file}: {error}") from None


def _parse(kind: type[R], text: str, where: str) -> R:
    try:
        return kind.model_validate_json(text)
    except ValidationError as error:
        raise ResultsError(f"{where}: {_first(error)}") from None


def _first(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    return complaints(error, "document")[0]

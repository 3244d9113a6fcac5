"""What a data file holds and what is wrong with it, as a value; and the file as a `datasets` table."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fednode.data.read import read_rows
from fednode.data.rows import DataError, Problem, Table

if TYPE_CHECKING:
    from datasets import Dataset

    from fednode.data.encode import Encoder

_SHOWN = 10


@dataclass(frozen=True)
class DataReport:
    """Counts are of rows. `truncated` and `answers_cut` are None if no tokenizer was at hand.

    `truncated`: the prompt was shortened to fit the spec's sequence length; `answers_cut`: so was the answer itself.
    `duplicates`: usable rows whose prompt and completion stand in the file before; they are kept.
    """

    path: Path
    usable: int
    problems: tuple[Problem, ...]
    duplicates: int
    domains: dict[str, int]
    truncated: int | None
    answers_cut: int | None

    @property
    def ok(self) -> bool:
        return self.usable > 0 and not self.problems

    def lines(self) -> list[str]:
        """The report for a person, one fact a line."""
        said = [f"{self.path}: {self.usable} usable rows"]
        if self.domains:
            said.append("domains: " + ", ".join(f"{name} {count}" for name, count in sorted(self.domains.items())))
        if self.duplicates:
            said.append(f"{self.duplicates} rows repeat an earlier row (kept)")
        if self.truncated:
            said.append(f"{self.truncated} rows are longer than the sequence length: their prompts are cut at the end")
        if self.answers_cut:
            said.append(f"{self.answers_cut} answers alone are longer than the sequence length: they are cut too")
        if self.problems:
            said.append(f"{len(self.problems)} rows cannot be used:")
            said += [f"  {problem}" for problem in self.problems[:_SHOWN]]
            if len(self.problems) > _SHOWN:
                said.append(f"  and {len(self.problems) - _SHOWN} more")
        elif not self.usable:
            said.append("there is not one row in it")
        return said


def make_report(path: Path, table: Table, encoder: Encoder | None = None) -> DataReport:
    """Count what `table`, read from `path`, holds; with an `encoder`, also the rows too long for it."""
    examples = [] if encoder is None else [encoder.example(row.prompt, row.completion) for row in table.rows]
    return DataReport(
        path=path,
        usable=len(table.rows),
        problems=table.problems,
        duplicates=len(table.rows) - len({(row.prompt, row.completion) for row in table.rows}),
        domains=dict(Counter(row.domain for row in table.rows if row.domain is not None)),
        truncated=None if encoder is None else sum(example.truncated for example in examples),
        answers_cut=None if encoder is None else sum(example.answer_cut for example in examples),
    )


def check_data(path: Path, encoder: Encoder | None = None) -> DataReport:
    """Read and judge a data file. Raises DataError only if the file itself cannot be read."""
    return make_report(path, read_rows(path), encoder)


def load_data(path: Path) -> Dataset:
    """The file as a table with the text columns `prompt`, `completion` and `domain` (may be null).

    Raises DataError, naming rows, if a row cannot be used or if there is none: nothing is left out in silence.
    """
    from datasets import Dataset, Features, Value

    table = read_rows(path)
    report = make_report(path, table)
    if not report.ok:
        raise DataError("\n".join([*report.lines(), "correct the file; `fednode data check` says when it is right"]))
    columns = {name: [getattr(row, name) for row in table.rows] for name in ("prompt", "completion", "domain")}
    return Dataset.from_dict(columns, features=Features(dict.fromkeys(columns, Value("string"))))

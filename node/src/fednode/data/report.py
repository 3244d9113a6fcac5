"""What a data file holds and what is wrong with it, as a value; and the file as a `datasets` table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from fednode.data.classes import OffClass, off_class
from fednode.data.plain_text import EncodingError
from fednode.data.read import read_rows
from fednode.data.rows import DataError, Problem, Row, Table

if TYPE_CHECKING:
    from datasets import Dataset

    from fednode.data.encode import Encoder

_SHOWN = 10
_SHOWN_TOKENS = 3


@dataclass
class EncodedRows:
    """Counts of rows as the tokenizer has them.

    `truncated`: the prompt was shortened to fit the spec's sequence length; `answers_cut`: so was the answer itself;
    `empty`: rows whose completion comes to no token; `control`: those that hold a control token as text, by token.
    """

    truncated: int = 0
    answers_cut: int = 0
    empty: int = 0
    control: Counter[str] = field(default_factory=Counter)

    def add(self, row: Row, encoder: Encoder) -> None:
        self.control.update(encoder.control_tokens_in(row.prompt) | encoder.control_tokens_in(row.completion))
        try:
            example = encoder.example(row.prompt, row.completion)
        except EncodingError:
            self.empty += 1
        else:
            self.truncated += example.truncated
            self.answers_cut += example.answer_cut

    def lines(self) -> list[str]:
        """For a person, one fact a line."""
        lines = []
        if self.truncated:
            lines.append(f"{self.truncated} rows are longer than the sequence length: their prompts are cut at the end")
        if self.answers_cut:
            lines.append(f"{self.answers_cut} answers alone are longer than the sequence length: they are cut too")
        for token, count in self.control.most_common(_SHOWN_TOKENS):
            lines.append(
                f"{count} rows hold {token!r}, a control token of the base model: it is read as the text it is"
            )
        if self.empty:
            lines.append(f"{self.empty} completions are nothing to the base model's tokenizer: take their rows out")
        return lines


@dataclass(frozen=True)
class DataReport:
    """Counts are of rows. `encoded` is None if there was no tokenizer, `off_class` also if the spec has no classes.

    `duplicates`: usable rows whose prompt and completion stand in the file before; they are kept.
    """

    path: Path
    usable: int
    problems: tuple[Problem, ...]
    duplicates: int
    domains: dict[str, int]
    encoded: EncodedRows | None = None
    off_class: OffClass | None = None

    @property
    def ok(self) -> bool:
        return self.usable > 0 and not self.problems and not (self.encoded and self.encoded.empty)

    def lines(self) -> list[str]:
        """The report for a person, one fact a line."""
        lines = [f"{self.path}: {self.usable} usable rows"]
        if self.domains:
            lines.append("domains: " + ", ".join(f"{name} {count}" for name, count in sorted(self.domains.items())))
        if self.duplicates:
            lines.append(f"{self.duplicates} rows repeat an earlier row (kept)")
        if self.encoded is not None:
            lines += self.encoded.lines()
        if self.off_class is not None:
            lines.append(str(self.off_class))
        if self.problems:
            lines.append(f"{len(self.problems)} rows cannot be used:")
            lines += [f"  {problem}" for problem in self.problems[:_SHOWN]]
            if len(self.problems) > _SHOWN:
                lines.append(f"  and {len(self.problems) - _SHOWN} more")
        elif not self.usable:
            lines.append("there is not one row in it")
        return lines


def make_report(
    path: Path, table: Table, encoder: Encoder | None = None, classes: Sequence[str] | None = None
) -> DataReport:
    """Count what `table`, read from `path`, holds; with an `encoder`, also what its tokenizer makes of that; with the
    spec's `classes`, also the completions that begin with none of them."""
    encoded = None if encoder is None else EncodedRows()
    if encoded is not None and encoder is not None:
        for row in table.rows:
            encoded.add(row, encoder)
    completions = [row.completion for row in table.rows]
    first = None if encoder is None else encoder.first_token
    return DataReport(
        path=path,
        usable=len(table.rows),
        problems=table.problems,
        duplicates=len(table.rows) - len({(row.prompt, row.completion) for row in table.rows}),
        domains=dict(Counter(row.domain for row in table.rows if row.domain is not None)),
        encoded=encoded,
        off_class=None if classes is None else off_class(completions, classes, first),
    )


def check_data(path: Path, encoder: Encoder | None = None, classes: Sequence[str] | None = None) -> DataReport:
    """Read and judge a data file. Raises DataError only if the file itself cannot be read."""
    return make_report(path, read_rows(path), encoder, classes)


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

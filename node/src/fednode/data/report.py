"""What a data file holds and what is wrong with it, as a value."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fednode.data.characters import StrangeCharacters
from fednode.data.classes import Answers
from fednode.data.columns import Columns
from fednode.data.lengths import Lengths, as_the_model_sees_it
from fednode.data.problems import Problems
from fednode.data.read import rows_in
from fednode.data.rows import Problem, Row
from fednode.data.source import Progress
from fednode.data.twins import Found, Twins

if TYPE_CHECKING:
    from fednode.data.encode import Encoder, Worded

_SHOWN_DOMAINS = 20
_KEPT_DOMAINS = 10_000  # different ones that are counted

_NOT_ONE = "there is not one row in it"


@dataclass(frozen=True)
class DataReport:
    """Counts are of rows. `answers` is None without a spec or if it has no classes, `encoded` without a
    tokenizer. `unit`: what the numbers of rows count. `sample`: the first row as the model sees it, one line each."""

    path: Path
    unit: str
    usable: int
    problems: Problems
    twins: Found
    domains: dict[str, int]
    strange: StrangeCharacters
    answers: Answers | None = None
    encoded: Lengths | None = None
    sample: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        return not self.errors()

    def lines(self) -> list[str]:
        """The report for a person, one fact a line; what is wrong comes last."""
        lines = [f"{self.path}: {self.usable} usable row{'' if self.usable == 1 else 's'}"]
        if self.domains:
            ranked = sorted(self.domains.items())
            least = "at least " if len(ranked) == _KEPT_DOMAINS else ""
            more = f" and {least}{len(ranked) - _SHOWN_DOMAINS} more" if len(ranked) > _SHOWN_DOMAINS else ""
            lines.append("domains: " + ", ".join(f"{name} {count}" for name, count in ranked[:_SHOWN_DOMAINS]) + more)
        if self.answers is not None:
            lines += self.answers.lines()
        lines += self.twins.lines(self.unit)
        lines += self.strange.lines(self.unit)
        if self.encoded is not None:
            lines += self.encoded.lines()
        return lines + self.errors()

    def errors(self) -> list[str]:
        """What must be corrected before anything is trained on the file, one fact a line."""
        wrong = [] if self.answers is None else self.answers.errors(self.unit)
        if self.encoded is not None:
            wrong += self.encoded.errors(self.unit)
        wrong += self.problems.lines()
        return wrong or ([] if self.usable else [_NOT_ONE])


def make_report(
    path: Path,
    found: Iterable[tuple[int, Row] | Problem],
    encoder: Encoder | None = None,
    spec: Worded | None = None,
) -> DataReport:
    """Count what a file at `path` holds, as `rows_in` gives it, for a `spec`; with an `encoder`, also what its
    tokenizer makes of that. No row is kept."""
    trimmed = _as_it_is if spec is None else spec.prompt.trimmed
    classes = None if spec is None else spec.evaluation.classes
    answers = None if classes is None else Answers(classes, trimmed, None if encoder is None else encoder.first_token)
    encoded = None if encoder is None else Lengths(encoder)
    problems, twins, strange = Problems(), Twins(), StrangeCharacters()
    domains: Counter[str] = Counter()
    usable, unit, first = 0, "line", None
    for one in found:
        if isinstance(one, Problem):
            problems.add(one)
            unit = one.unit
            continue
        number, row = one
        usable += 1
        first = first or row
        if row.domain is not None and (row.domain in domains or len(domains) < _KEPT_DOMAINS):
            domains[row.domain] += 1
        prompt, answer = trimmed(row.prompt), trimmed(row.completion)
        twins.add(number, prompt, answer)
        strange.add(number, prompt, answer)
        if answers is not None:
            answers.add(number, row.completion)
        if encoded is not None:
            encoded.add(number, row)
    if encoded is not None:
        encoded.close()
    sample = [] if encoder is None or first is None else as_the_model_sees_it(first, encoder)
    return DataReport(
        path=path,
        unit=unit,
        usable=usable,
        problems=problems,
        twins=twins.found(),
        domains=dict(domains),
        strange=strange,
        answers=answers,
        encoded=encoded,
        sample=tuple(sample),
    )


def check_data(
    path: Path,
    encoder: Encoder | None = None,
    spec: Worded | None = None,
    columns: Columns | None = None,
    progress: Progress | None = None,
) -> DataReport:
    """Read and judge a data file. Raises DataError only if the file itself cannot be read."""
    return make_report(path, rows_in(path, columns, progress=progress), encoder, spec)


def _as_it_is(text: str) -> str:
    return text

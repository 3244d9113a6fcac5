"""What a data file holds and what is wrong with it, as a value."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from fednode.data.characters import StrangeCharacters
from fednode.data.classes import Answers
from fednode.data.columns import Columns
from fednode.data.held_out import is_held_out
from fednode.data.lengths import Lengths
from fednode.data.plain_text import EncodingError
from fednode.data.problems import Problems
from fednode.data.read import rows_in, unit_of
from fednode.data.rows import Problem, Row
from fednode.data.shown import shown
from fednode.data.source import Progress
from fednode.data.twins import Found, Twins
from fednode.data_source import HfSplit, Portion, portion

if TYPE_CHECKING:
    from fednode.data.encode import Encoder, Worded

_SHOWN_DOMAINS = 20
_KEPT_DOMAINS = 10_000  # different ones that are counted

_NOT_ONE = "there is not one row in it"


@dataclass(frozen=True)
class DataReport:
    """Counts are of rows. `answers` is None without a spec or if it has no classes, `encoded` without a
    tokenizer. `unit`: what the numbers of rows count. `held_out`: how many rows are held out of training, where a share
    of them is; else None. `remarks`: what was found out about the file by itself. `sample`: the first row as the model
    sees it, one line each."""

    of: Portion
    unit: str
    usable: int
    problems: Problems
    twins: Found
    domains: dict[str, int]
    strange: StrangeCharacters
    answers: Answers | None = None
    encoded: Lengths | None = None
    held_out: int | None = None
    remarks: tuple[str, ...] = ()
    sample: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        return not self.errors()

    def lines(self) -> list[str]:
        """The report for a person, one fact a line; what is wrong comes last."""
        lines = [f"{self.of}: {self.usable} usable row{'' if self.usable == 1 else 's'}", *self.remarks]
        if self.held_out is not None:
            lines.append(sides(self.usable - self.held_out, self.held_out, self.of.share))
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
        if self.usable and self.held_out in (0, self.usable):
            what = "held out for scoring" if not self.held_out else "left to train on"
            wrong.append(f"not one row is {what}: choose another [data] split, or name a file as [data] test")
        return wrong or ([] if self.usable else [_NOT_ONE])


def sides(trained: int, held_out: int, share: float) -> str:
    """How many rows are on each side."""
    return f"split {share:g}: {trained} rows are trained on, {held_out} are held out for scoring"


def check_data(
    rows: Path | HfSplit | Portion,
    encoder: Encoder | None = None,
    spec: Worded | None = None,
    columns: Columns | None = None,
    progress: Progress | None = None,
) -> DataReport:
    """Read and judge a data file. Raises DataError only if the file itself cannot be read."""
    remarks = list[str]()
    report = make_report(rows, rows_in(rows, columns, progress, remarks.append), encoder, spec)
    return replace(report, unit=unit_of(rows, columns), remarks=tuple(remarks))


def make_report(
    rows: Path | HfSplit | Portion,
    found: Iterable[tuple[int, Row] | Problem],
    encoder: Encoder | None = None,
    spec: Worded | None = None,
) -> DataReport:
    """Count what a file holds, as `rows_in` gives it, for a `spec`; with an `encoder`, also what its tokenizer makes of
    that. No row is kept."""
    chosen = portion(rows)
    trimmed = _as_it_is if spec is None else spec.prompt.trimmed
    classes = None if spec is None else spec.evaluation.classes
    answers = None if classes is None else Answers(classes, trimmed, None if encoder is None else encoder.first_token)
    encoded = None if encoder is None else Lengths(encoder)
    problems, twins, strange = Problems(), Twins(), StrangeCharacters()
    domains: Counter[str] = Counter()
    usable, held_out, first = 0, 0, None
    for one in found:
        if isinstance(one, Problem):
            problems.add(one)
            continue
        number, row = one
        if encoder is not None and (why := encoder.refused(row.prompt)) is not None:
            problems.add(Problem(number, why))
            continue
        usable += 1
        held_out += is_held_out(row, chosen.share)
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
    return DataReport(
        of=chosen,
        unit="line",
        usable=usable,
        problems=problems,
        twins=twins.found(),
        domains=dict(domains),
        strange=strange,
        answers=answers,
        encoded=encoded,
        held_out=held_out if chosen.share else None,
        sample=_sample(first, encoder),
    )


def _sample(row: Row | None, encoder: Encoder | None) -> tuple[str, ...]:
    if row is None or encoder is None:
        return ()
    with suppress(EncodingError):  # the tokenizer makes nothing of it, which is among what is wrong
        return tuple(shown(row, encoder).marked())
    return ()


def _as_it_is(text: str) -> str:
    return text

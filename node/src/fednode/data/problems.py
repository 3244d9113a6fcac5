"""Rows that cannot be used, one line for each cause."""

from __future__ import annotations

from dataclasses import dataclass, field

from fednode.data.rows import Problem

_SHOWN = 10  # causes
_SHOWN_NUMBERS = 5  # rows of one
_MOST_CAUSES = 100


@dataclass
class _Cause:
    first: Problem
    count: int = 0
    numbers: list[int] = field(default_factory=list)

    def __str__(self) -> str:
        if self.count == 1:
            return str(self.first)
        numbers = ", ".join(map(str, self.numbers)) + (", …" if self.count > len(self.numbers) else "")
        return f"{self.count} rows, {self.first.unit}s {numbers}: {self.first.what}"


class Problems:
    """What is wrong with a file: for each cause how often it occurs, the first places, and the text of the first."""

    def __init__(self) -> None:
        self.count = 0
        self._causes: dict[str, _Cause] = {}

    def add(self, problem: Problem) -> None:
        self.count += 1
        key = problem.what.partition(":")[0]
        if key not in self._causes and len(self._causes) == _MOST_CAUSES:
            return
        cause = self._causes.setdefault(key, _Cause(problem))
        cause.count += 1
        if len(cause.numbers) < _SHOWN_NUMBERS:
            cause.numbers.append(problem.number)

    def lines(self) -> list[str]:
        if not self.count:
            return []
        verb = "row cannot" if self.count == 1 else "rows cannot"
        causes = list(self._causes.values())
        lines = [f"{self.count} {verb} be used:", *(f"  {cause}" for cause in causes[:_SHOWN])]
        if len(causes) > _SHOWN:
            lines.append(f"  and {len(causes) - _SHOWN} more causes")
        return lines

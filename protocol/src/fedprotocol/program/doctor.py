"""A doctor: checks made one after the other, each with what it found and, where it can, the command that repairs it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from fedprotocol.errors import FedError
from fedprotocol.program.terminal import unexpected

Patient = TypeVar("Patient")
MARKS = {True: "ok  ", False: "FAIL", None: "-   "}


@dataclass(frozen=True)
class Check(Generic[Patient]):
    """`needs`: names of the checks without which this one cannot be made; `examine` says what is right, or raises."""

    name: str
    needs: Sequence[str]
    examine: Callable[[Patient], str]


@dataclass(frozen=True)
class CheckResult:
    """Of one check. `ok` None: could not be made, because one that it needs failed. `fix`: a command line."""

    name: str
    ok: bool | None
    detail: str
    fix: str = ""


def examined(
    checks: Sequence[Check[Patient]], patient: Patient, fix: Callable[[Exception], str] = lambda _: ""
) -> Iterator[CheckResult]:
    """Every check, in order. `fix`: the command that repairs what was raised. What nobody foresaw fails a check too:
    the others are still worth making."""
    failed: set[str] = set()
    for check in checks:
        if missing := sorted(failed.intersection(check.needs)):
            failed.add(check.name)
            yield CheckResult(check.name, None, f"needs: {', '.join(missing)}")
            continue
        try:
            yield CheckResult(check.name, True, check.examine(patient))
        except Exception as error:
            failed.add(check.name)
            detail = str(error) if isinstance(error, FedError) else unexpected(error)
            yield CheckResult(check.name, False, detail, fix(error))


def as_text(result: CheckResult) -> list[str]:
    """The lines that show it."""
    detail, *more = result.detail.split("\n")
    lines = [f"{MARKS[result.ok]}  {result.name:<8} {detail}", *(f"      |        {line}" for line in more)]
    return [*lines, f"      fix      {result.fix}"] if result.fix else lines

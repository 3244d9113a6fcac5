"""The framework of `doctor`: checks that are made one after the other. Each says what it found and, if possible, names
the command that repairs it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from fedprotocol.errors import FedError
from fedprotocol.program.slow_work import told_if_slow
from fedprotocol.program.terminal import unexpected

Patient = TypeVar("Patient")
MARKS = {True: "ok  ", False: "FAIL", None: "-   "}


@dataclass(frozen=True)
class Check(Generic[Patient]):
    """`needs`: names of the checks that must succeed before this one can be made. `examine` returns a text that says
    what is right, or raises an error."""

    name: str
    needs: Sequence[str]
    examine: Callable[[Patient], str]


@dataclass(frozen=True)
class CheckResult:
    """The result of one check. `ok` is None if the check could not be made because one that it needs failed. `fix` is a
    command line."""

    name: str
    ok: bool | None
    detail: str
    fix: str = ""


def examined(
    checks: Sequence[Check[Patient]], patient: Patient, fix: Callable[[Exception], str] = lambda _: ""
) -> Iterator[CheckResult]:
    """Make every check, in order. `fix` gives the command that repairs what an error reports. An unexpected error fails
    its check, and the other checks are still made."""
    failed: set[str] = set()
    for check in checks:
        if missing := sorted(failed.intersection(check.needs)):
            failed.add(check.name)
            yield CheckResult(check.name, None, f"needs: {', '.join(missing)}")
            continue
        try:
            with told_if_slow(f"doctor looks at “{check.name}”"):
                found = check.examine(patient)
            yield CheckResult(check.name, True, found)
        except Exception as error:
            failed.add(check.name)
            detail = str(error) if isinstance(error, FedError) else unexpected(error)
            yield CheckResult(check.name, False, detail, fix(error))


def as_text(result: CheckResult) -> list[str]:
    """The lines that show one finding."""
    detail, *more = result.detail.split("\n")
    lines = [f"{MARKS[result.ok]}  {result.name:<8} {detail}", *(f"      |        {line}" for line in more)]
    return [*lines, f"      fix      {result.fix}"] if result.fix else lines

"""Chapters from the files under `home/metrics`. A file is read again when it has changed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import Any

from fedprotocol.errors import FedError
from fedprotocol.foreign_errors import told_as

from fednode.figure_files import SCORES, SETTLED, records
from fednode.tracking.chapters import (
    AFTER,
    BEFORE,
    GLOBAL_ACCURACY,
    GLOBAL_LOSS,
    LOSS,
    PAYOUT,
    RATE,
    SPEED,
    STAKE,
    Chapter,
    Kind,
    Point,
)
from fednode.training.step_files import read_steps
from fednode.training.types import StepRecord

STEPS = re.compile(r"round_([1-9][0-9]*)\.csv")
ORDER = tuple(Kind)


class FigureError(FedError):
    """A file of figures is not what the node writes."""


class FigureFolder:
    """The folder `path`, which need not exist yet. `problem` is told once of a file that cannot be
    read."""

    def __init__(self, path: Path, problem: Callable[[str], None] = lambda _: None) -> None:
        self._path = path
        self._problem = problem
        self._told: set[str] = set()
        self._read: dict[Path, tuple[tuple[int, int], list[Chapter]]] = {}

    def chapters(self) -> list[Chapter]:
        """All chapters, by round."""
        found = [chapter for file, read in self._files() for chapter in self._of(file, read)]
        return sorted(found, key=lambda chapter: (chapter.round, ORDER.index(chapter.kind)))

    def _files(self) -> Iterator[tuple[Path, Callable[[Path], list[Chapter]]]]:
        for file in self._path.iterdir() if self._path.is_dir() else ():
            if match := STEPS.fullmatch(file.name):
                yield file, partial(_trained, int(match[1]))
            elif file.name == SCORES:
                yield file, _scored
            elif file.name == SETTLED:
                yield file, _settled

    def _of(self, file: Path, read: Callable[[Path], list[Chapter]]) -> list[Chapter]:
        try:
            with told_as(FigureError, f"{file} cannot be read"):
                state = file.stat()
                stamp = state.st_mtime_ns, state.st_size
                if file not in self._read or self._read[file][0] != stamp:
                    self._read[file] = stamp, read(file)
                return self._read[file][1]
        except FedError as error:
            if str(error) not in self._told:
                self._told.add(str(error))
                self._problem(str(error))
            return []


def _trained(number: int, file: Path) -> list[Chapter]:
    return [trained(number, read_steps(file), file.stat().st_mtime)]


def _scored(file: Path) -> list[Chapter]:
    return [scored(entry, file.stat().st_mtime) for entry in records(file)]


def _settled(file: Path) -> list[Chapter]:
    return [settled(entry) for entry in records(file)]


def trained(number: int, steps: list[StepRecord], ended: float) -> Chapter:
    """The steps of a round's training, and the losses of the first and the last. `ended`: when it did, in seconds since
    1970. Every round of a federation has as many steps as any other."""
    whole = len(steps)
    begun = ended - sum(step.seconds for step in steps)
    times = accumulate((step.seconds for step in steps), initial=begun)
    next(times)
    points = [
        Point(
            step=(number - 1) * whole + step.step,
            round=number - 1 + step.step / whole,
            values={LOSS: step.loss, RATE: step.lr} | ({SPEED: step.tokens / step.seconds} if step.seconds else {}),
            at=at,
        )
        for step, at in zip(steps, times, strict=False)
    ]
    if steps:
        points.append(Point(number, number, {BEFORE: steps[0].loss, AFTER: steps[-1].loss}, ended))
    return Chapter(Kind.TRAINED, number, tuple(points))


def scored(entry: dict[str, Any], at: float) -> Chapter:
    """How a global scored on the site's own test data."""
    number = int(entry["round"])
    accuracy = {} if entry["accuracy"] is None else {GLOBAL_ACCURACY: float(entry["accuracy"])}
    return Chapter(Kind.SCORED, number, (Point(number, number, {GLOBAL_LOSS: float(entry["loss"])} | accuracy, at),))


def settled(entry: dict[str, Any]) -> Chapter:
    """What a round paid the account, and its stake after it."""
    number = int(entry["round"])
    values = {PAYOUT: float(entry["payout"]), STAKE: float(entry["stake"])}
    return Chapter(Kind.SETTLED, number, (Point(number, number, values, float(entry["at"])),))

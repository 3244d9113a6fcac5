"""Shows how far an experiment is: a bar for all of it and for each running cell, an estimate of the time left, and a
line for each result."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import timedelta
from types import TracebackType
from typing import Self

from fednode.evaluation.in_words import loss_and_accuracy
from fedprotocol.printable import paragraph, printable
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.text import Text

from fedlab.experiment.cells import Cell
from fedlab.experiment.workers import Failed, Outcome, Told


class View:
    """`costs`: an estimate of the work of each cell that will run, in any unit. Time is assumed to be proportional to
    it."""

    def __init__(self, costs: Mapping[Cell, float], console: Console) -> None:
        self._costs = costs
        self._console = console
        self._done: dict[Cell, float] = {}  # share
        self._began = time.monotonic()
        self._bars = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            console=console,
        )
        self._all = self._bars.add_task("", total=sum(costs.values()))
        self._running: dict[Cell, TaskID] = {}

    def told(self, message: Told) -> None:
        """Show the progress of a running cell."""
        if message.cell not in self._running:
            self._running[message.cell] = self._bars.add_task("", total=1.0)
        news = printable(f"  {message.cell}: {message.news}")
        self._bars.update(self._running[message.cell], completed=message.share, description=news)
        self._advance(message.cell, message.share)

    def finished(self, cell: Cell, outcome: Outcome) -> None:
        """Show that a cell has ended."""
        if (bar := self._running.pop(cell, None)) is not None:
            self._bars.remove_task(bar)
        self._advance(cell, 1.0)
        if isinstance(outcome, Failed):
            self._console.print(Text(paragraph(f"{cell}: {outcome.why}"), "red"), soft_wrap=True)
            return
        self._console.print(
            f"{cell}: {loss_and_accuracy(outcome.loss, outcome.accuracy)}, {outcome.seconds:.0f} s; {self._left()}",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )

    def _advance(self, cell: Cell, share: float) -> None:
        self._done[cell] = share
        done = sum(self._costs[c] * s for c, s in self._done.items())
        self._bars.update(self._all, completed=done, description=f"{len(self._costs)} cells, {self._left()}")

    def _left(self) -> str:
        total = sum(self._costs.values())
        done = sum(self._costs[cell] * share for cell, share in self._done.items())
        if not done:
            return "no estimate yet"
        seconds = (time.monotonic() - self._began) * (total - done) / done
        return f"about {timedelta(seconds=round(seconds))} left"

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

"""Runs cells in several processes. Each has one model and a share of the processor's cores, and writes every result as
soon as it is there.

concurrent.futures is not used, because its pool waits for running work, and after Ctrl-C a cell would go on for
minutes.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from types import TracebackType
from typing import Self

from fedprotocol.errors import FedError
from fedprotocol.program import environment
from fedprotocol.program.end_with_parent import end_with
from fedprotocol.program.terminal import unexpected

from fedlab.experiment.cells import Cell
from fedlab.experiment.crew import Crew
from fedlab.experiment.definition import Experiment
from fedlab.experiment.models import Base, Models
from fedlab.experiment.results import CellResult, write_result
from fedlab.experiment.run_cell import run_cell
from fedlab.experiment.settings import Device
from fedlab.experiment.sources import load_pool


class WorkerLost(FedError):
    """A process of the experiment ended, most often because the system had no memory left."""


@dataclass(frozen=True)
class Told:
    """A message about a cell: the share of it that is done."""

    cell: Cell
    share: float
    news: str


@dataclass(frozen=True)
class Shared:
    """What all cells need. `folder`: the folder for the results; `device`: "cpu" or "cuda"."""

    experiment: Experiment
    base: Base
    folder: Path
    device: Device


@dataclass(frozen=True)
class Failed:
    """A cell without a result."""

    why: str


Outcome = CellResult | Failed


class _Worker:
    """A process that runs one cell after the other. When it is ended, its current cell is lost."""

    def __init__(self, shared: Shared, threads: int) -> None:
        context = multiprocessing.get_context("spawn")
        self.link, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(shared, threads, theirs, os.getpid()), daemon=True)
        self._process.start()
        theirs.close()  # so that the connection ends with the process
        self.cell: Cell | None = None

    def give(self, cell: Cell | None) -> None:
        self.cell = cell
        if cell is not None:
            self.link.send(cell)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.join()


def run_all(
    shared: Shared, cells: Sequence[Cell], processes: int, threads: int, told: Callable[[Told], None]
) -> Iterator[tuple[Cell, Outcome]]:
    """Yields the result of every cell once it is written, or the error that ended it; the other cells go on. `told`
    gets messages about progress.

    Raises WorkerLost if a process ends.
    """
    left = list(reversed(cells))
    environment.set_threads(threads)
    with ExitStack() as open_workers:
        count = min(processes, len(cells))
        workers = {w.link: w for w in (open_workers.enter_context(_Worker(shared, threads)) for _ in range(count))}
        for worker in workers.values():
            worker.give(left.pop())
        while busy := [link for link, worker in workers.items() if worker.cell is not None]:
            for link in wait(busy):
                worker = workers[link]  # type: ignore[index]
                message = _received(worker)
                if isinstance(message, Told):
                    told(message)
                else:
                    cell = worker.cell
                    worker.give(left.pop() if left else None)
                    if cell is not None:
                        yield cell, message


def _received(worker: _Worker) -> Told | Outcome:
    try:
        message: Told | Outcome = worker.link.recv()
    except EOFError:
        raise WorkerLost(
            f"the process that ran {worker.cell} ended by itself, perhaps for want of memory; what is done is kept: "
            "run it again, with fewer --processes if it happens again"
        ) from None
    return message


def _serve(shared: Shared, threads: int, link: Connection, parent: int) -> None:
    end_with(parent)
    models = Models(shared.base, shared.device, threads)
    with contextlib.suppress(EOFError, BrokenPipeError, KeyboardInterrupt):  # the process has ended
        while True:
            cell: Cell = link.recv()
            link.send(outcome_of(shared, models, cell, link.send))


def outcome_of(
    shared: Shared, models: Models, cell: Cell, told: Callable[[Told], None], crew: Crew | None = None
) -> Outcome:
    """The result of a cell, once it is written, or why it has none."""

    def tell(share: float, news: str) -> None:
        told(Told(cell, share, news))

    try:
        tell(0.0, "loading")
        task = shared.experiment.task(cell.task)
        pool = load_pool(task.data, task.held_out)
        result = run_cell(shared.experiment, cell, pool, models, tell, crew)
        write_result(result, cell.path(shared.folder))
    except (EOFError, BrokenPipeError):
        raise
    except FedError as error:
        return Failed(str(error))
    except Exception as error:  # a bug ends only this cell, and is no reason to lose the others
        place = traceback.extract_tb(error.__traceback__)[-1]
        return Failed(f"{unexpected(error)} ({place.filename}, line {place.lineno})")
    return result

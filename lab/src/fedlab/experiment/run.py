"""An experiment, from its file to its results. Cells that have a result are kept, and the others are run."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from fednode.base_model import identity_of, locate
from fedprotocol.errors import FedError
from fedprotocol.printable import printable
from fedprotocol.program import environment
from rich.console import Console
from rich.text import Text

from fedlab.experiment.cells import Cell, cells_of, cost
from fedlab.experiment.definition import load_experiment
from fedlab.experiment.models import Base
from fedlab.experiment.progress import View
from fedlab.experiment.results import is_done, write_list
from fedlab.experiment.run_cell import key_of
from fedlab.experiment.settings import Device
from fedlab.experiment.sources import NoData, load_pool
from fedlab.experiment.split_rows import domains_of, site_names
from fedlab.experiment.workers import Failed, Outcome, Shared, Told

CACHE = Path(".cache")


class CellsFailed(FedError):
    """Some cells have no result; the message names them. All others have."""


@dataclass(frozen=True)
class Plan:
    """`todo`: the cells without a result, in the order in which they are run. `absent`: the tasks without data, and
    why."""

    shared: Shared
    done: tuple[Cell, ...]
    todo: tuple[Cell, ...]
    absent: dict[str, str]

    def cost(self, cell: Cell) -> float:
        """An estimate of the work of a cell."""
        experiment = self.shared.experiment
        return cost(experiment, experiment.task(cell.task), experiment.rows[cell.row])


def plan(file: Path, folder: Path, device: Device, only: Sequence[str] = ()) -> Plan:
    """What has to be run, on "cpu" or "cuda". `only`: task names or `task/row`.

    Raises ConfigError, BaseModelError, DataError, ResultsError, CellsFailed for an `only` that names nothing.
    """
    experiment = load_experiment(file)
    base = Base.of(experiment.model, CACHE)
    model = base.key(identity_of(locate(base.source)))
    done: list[Cell] = []
    todo: list[Cell] = []
    absent: dict[str, str] = {}
    for task in experiment.tasks:
        try:
            pool = load_pool(task.data, task.held_out)
        except NoData as error:
            absent[task.name] = str(error)
            continue
        sites = site_names(domains_of(pool.train), task.sites, task.split)
        for cell in cells_of(experiment, sites, task):
            if only and not {cell.task, f"{cell.task}/{cell.row}"} & set(only):
                continue
            (done if is_done(cell, key_of(experiment, cell, pool, model), folder) else todo).append(cell)
    if only and not done and not todo and not absent:
        raise CellsFailed(f"{file} has no task or task/row named {', '.join(only)}")
    turn = {task.name: task.seeds or experiment.seeds for task in experiment.tasks}
    # all rows with one seed come first, so that they can be compared early
    todo.sort(key=lambda cell: turn[cell.task].index(cell.seed))
    return Plan(Shared(experiment, base, folder, device), tuple(done), tuple(todo), absent)


Run = Callable[[Shared, Sequence[Cell], Callable[[Told], None]], Iterator[tuple[Cell, Outcome]]]
"""Runs cells, and yields the outcome of each: `workers.run_all` or `ray_crew.run_on_ray`, as they are to be used."""


def run(planned: Plan, engine: Run, commit: bool, console: Console) -> None:
    """Run the cells without a result and write results.json. `commit`: put every result into git at once.

    Raises CellsFailed, and the errors of `engine`.
    """
    folder, failed = planned.shared.folder, []
    for task, why in planned.absent.items():
        console.print(Text(printable(f"task {task} is left out: {why}"), "yellow"), soft_wrap=True)
    console.print(
        f"{len(planned.done)} cells are done, {len(planned.todo)} are left; results in {folder}", markup=False
    )
    if planned.todo:
        with View({cell: planned.cost(cell) for cell in planned.todo}, console) as view:
            for cell, outcome in engine(planned.shared, planned.todo, view.told):
                view.finished(cell, outcome)
                if isinstance(outcome, Failed):
                    failed.append(cell)
                elif commit:
                    _commit(cell, folder)
    folder.mkdir(parents=True, exist_ok=True)
    write_list(folder)
    if failed:
        raise CellsFailed("no result for: " + "; ".join(map(str, failed)) + ". Run it again for these alone")


def _commit(cell: Cell, folder: Path) -> None:
    path = str(cell.path(folder))
    for command in (["git", "add", path], ["git", "commit", "-q", "-m", f"Result: {cell}", "--", path]):
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment.given())
        if done.returncode:
            raise CellsFailed(f"`{' '.join(command)}` failed: {(done.stderr or done.stdout).strip()}")

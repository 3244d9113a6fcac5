"""Plots of an experiment, made from its cells alone."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from fedlab.experiment.definition import Experiment, Task
from fedlab.experiment.plots.bars import Plot, memory, rows
from fedlab.experiment.plots.curves import ACCURACY, LOSS, by_bytes, by_round, by_site
from fedlab.experiment.precision import compared
from fedlab.experiment.results import CellResult
from fedlab.experiment.stats import family
from fedlab.results.plots import save


def draw(experiment: Experiment, results: Sequence[CellResult], folder: Path) -> list[Path]:
    """Draw every plot for which there are results; returns their paths. Tasks with an attack have tables alone."""
    made = []
    for task in experiment.tasks:
        mine = [result for result in results if result.task == task.name]
        if task.attack == "none" and any(result.steps_total for result in mine):
            plots = _of_task(experiment, task, mine)
            made += [save(folder / f"{task.name}-{name}.png", plot) for name, plot in plots.items()]
    if at := compared(experiment, results):
        made.append(save(folder / "memory.png", lambda axes: memory(axes, at)))
    return made


def _of_task(experiment: Experiment, task: Task, results: Sequence[CellResult]) -> dict[str, Plot]:
    there = {family(result.row) for result in results}
    kinds = {experiment.rows[name].kind for name in task.rows if name in there}
    classes = any(result.accuracy is not None for result in results)
    best = ACCURACY if classes else LOSS
    plots: dict[str, Plot] = {"loss": partial(by_round, experiment, task, results, LOSS)}
    if classes:
        plots["accuracy"] = partial(by_round, experiment, task, results, ACCURACY)
    if "single" in kinds:
        plots["sites"] = partial(by_site, experiment, task, results, best)
    if classes:
        plots["rows"] = partial(rows, experiment, task, results)
    if "federated" in kinds:
        plots["bytes"] = partial(by_bytes, experiment, task, results, best)
    return plots

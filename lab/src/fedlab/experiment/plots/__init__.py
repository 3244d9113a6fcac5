"""Plots of an experiment, made from its cells alone."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from fedlab.experiment.definition import Experiment, Task
from fedlab.experiment.plots.bars import Plot, losses, memory, rows
from fedlab.experiment.plots.curves import ACCURACY, LOSS, by_bytes, by_round, by_site
from fedlab.experiment.precision import compared
from fedlab.experiment.results import CellResult
from fedlab.experiment.stats import family
from fedlab.results.plots import save


def draw(experiment: Experiment, results: Sequence[CellResult], folder: Path) -> list[Path]:
    """Draw every plot for which there are results, and delete all others in `folder`; returns their paths. Tasks with
    an attack have tables alone."""
    made = []
    for task in experiment.tasks:
        mine = [result for result in results if result.task == task.name]
        if task.attack == "none" and any(result.steps_total for result in mine):
            plots = _curves(experiment, task, mine) | _bars(experiment, task, mine)
            made += [save(folder / f"{task.name}-{name}.png", plot) for name, plot in plots.items()]
    if at := compared(experiment, results):
        made.append(save(folder / "memory.png", lambda axes: memory(axes, at)))
    for old in set(folder.glob("*.png")) - set(made):
        old.unlink()
    return made


def _curves(experiment: Experiment, task: Task, results: Sequence[CellResult]) -> dict[str, Plot]:
    """None where the models were scored at the end only."""
    if not any(len(result.rounds) > 1 for result in results):
        return {}
    kinds = {experiment.rows[name].kind for name in task.rows if name in {family(result.row) for result in results}}
    best = ACCURACY if _has_classes(results) else LOSS
    plots: dict[str, Plot] = {"loss": partial(by_round, experiment, task, results, LOSS)}
    if best is ACCURACY:
        plots["accuracy"] = partial(by_round, experiment, task, results, ACCURACY)
    if "single" in kinds:
        plots["sites"] = partial(by_site, experiment, task, results, best)
    if "federated" in kinds:
        plots["bytes"] = partial(by_bytes, experiment, task, results, best)
    return plots


def _bars(experiment: Experiment, task: Task, results: Sequence[CellResult]) -> dict[str, Plot]:
    if _has_classes(results):
        return {"rows": partial(rows, experiment, task, results)}
    return {"losses": partial(losses, experiment, task, results)}


def _has_classes(results: Sequence[CellResult]) -> bool:
    return any(result.accuracy is not None for result in results)

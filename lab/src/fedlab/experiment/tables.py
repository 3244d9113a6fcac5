"""The results of an experiment as Markdown tables: every row that was run, and whether the goals are met."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fednode.markdown import table

from fedlab.experiment.definition import Experiment, Task
from fedlab.experiment.results import CellResult
from fedlab.experiment.stats import (
    Figure,
    accuracy,
    best_by_seed,
    by_seed,
    differences,
    family,
    figure,
    loss,
    of_one_device,
    ratios,
)

OF_CENTRAL, OVER_SINGLE = 0.98, 0.05  # the goals: a share of central accuracy, and a lead over the mean single site
MIB, GIB = 1 << 20, 1 << 30


def task_table(experiment: Experiment, task: Task, results: Sequence[CellResult]) -> str:
    """A table with every row of a task: mean ± deviation over the seeds."""
    initial = [result for result in results if result.row == "initial"]
    start = initial[0].loss if initial else None
    central = by_seed([r for r in results if r.row == "central"], accuracy)
    rows = []
    for name in task.rows:
        mine = [result for result in results if family(result.row) == name]
        if not mine:
            continue
        rows.append(_line(_called(name, experiment), mine, start, central))
        if experiment.rows[name].kind == "single":
            for site in sorted({result.row for result in mine}):
                rows.append(_line(f"&nbsp; {site}", [r for r in mine if r.row == site], start, central))
    scores = ("row", "seeds", "loss", "less loss", "accuracy %", "of central %")
    return table((*scores, "steps", "MiB sent", "s", "peak MiB", "on"), rows)


def goals_table(experiment: Experiment, results: Sequence[CellResult]) -> str:
    """A table that says for every federated row of every task whether the goals are met or missed."""
    rows = []
    for task in experiment.tasks:
        mine = [result for result in results if result.task == task.name]
        central = by_seed([r for r in mine if r.row == "central"], accuracy)
        single = [r for r in mine if family(r.row) == "single"]
        for name in task.rows:
            if experiment.rows[name].kind != "federated":
                continue
            own = by_seed([r for r in mine if r.row == name], accuracy)
            if not own:
                continue
            goals = (
                _goal(ratios(own, central), OF_CENTRAL, 100, " %"),
                _goal(differences(own, by_seed(single, accuracy)), OVER_SINGLE, 100, " points"),
                _goal(differences(own, best_by_seed(single)), 0.0, 100, " points"),
            )
            if any(goals):
                rows.append((f"{task.name} {name}", *goals))
    if not rows:
        return "No federated row has an accuracy here.\n"
    head = (
        "task, row",
        f"accuracy as a share of central training's; the goal is {100 * OF_CENTRAL:.0f} %",
        f"accuracy above the mean single site; the goal is {100 * OVER_SINGLE:.0f} points",
        "accuracy above the best single site; the goal is 0 points",
    )
    return table(head, rows)


def precision_table(at: Mapping[str, Sequence[CellResult]]) -> str:
    """What the base model's precision costs.

    Args:
        at: for each precision its cells, which are trained alike otherwise and have the same seeds.
    """
    rows = []
    for kind, cells in at.items():
        for task, name in sorted({(result.task, family(result.row)) for result in cells}):
            mine = [r for r in cells if r.task == task and family(r.row) == name]
            rows.append(
                (
                    f"{kind}: {task} {name}",
                    str(len({result.seed for result in mine})),
                    _text(figure(mine, loss)),
                    _text(figure(mine, accuracy), 1, 100),
                    _text(figure(mine, lambda r: r.weights_bytes / MIB), 0),
                    _text(figure(mine, lambda r: r.peak_memory_bytes / MIB), 0),
                    _text(figure(mine, lambda r: r.step_seconds), 2),
                )
            )
    head = ("weights: row", "seeds", "loss", "accuracy %", "weights MiB", "peak MiB", "s a step")
    return table(head, rows)


def _line(name: str, results: Sequence[CellResult], start: float | None, central: dict[int, float]) -> list[str]:
    timed = of_one_device(results)
    less = None if start is None else figure(results, lambda r: 1 - r.loss / start)
    return [
        name,
        str(len({result.seed for result in results})),
        _text(figure(results, loss)),
        "" if less is None else f"{less.text(0, 100)} %",
        _text(figure(results, accuracy), 1, 100),
        _text(ratios(by_seed(results, accuracy), central), 1, 100),
        str(results[0].steps_total),
        _text(figure(results, lambda r: r.bytes_sent / MIB), 1) if results[0].bytes_sent else "",
        _text(figure(timed, lambda r: r.seconds), 0),
        _text(figure(timed, lambda r: r.peak_memory_bytes / MIB), 0),
        timed[0].device,
    ]


def _called(name: str, experiment: Experiment) -> str:
    row = experiment.rows[name]
    return f"{name}, mean of sites" if row.kind == "single" else name


def _text(value: Figure | None, digits: int = 3, scale: float = 1.0) -> str:
    return "" if value is None else value.text(digits, scale)


def _goal(value: Figure | None, least: float, scale: float, unit: str) -> str:
    if value is None:
        return ""
    return f"{value.text(1, scale)}{unit}: {'met' if value.mean >= least else '**missed**'}"

"""Tables in which every line is a row of one task: what its epsilon costs, and how well readers guess."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import mean

from fednode.markdown import plain, table

from fedlab.experiment.definition import Experiment, Task
from fedlab.experiment.privacy.guessing import Area, Z, best_area, interval, together
from fedlab.experiment.privacy.membership import FALSE
from fedlab.experiment.privacy.records import Membership, Privacy, WhichRow
from fedlab.experiment.results import CellResult
from fedlab.experiment.stats import accuracy, figure, loss

ATTACKS = ("loss", "ratio")
VIEWS = {"update": "the update", "masked": "the masked update", "globals": "the globals only"}
Line = Callable[[Sequence[CellResult]], list[str]]


def tables(experiment: Experiment, results: Sequence[CellResult]) -> dict[str, str]:
    """Every table by its name: of a task "accuracy", "membership" or "candidates", by what its readers try. Without
    results, none."""
    found = {}
    for task in experiment.tasks:
        mine = [result for result in results if result.task == task.name]
        if task.readers != "which-row":  # its sites have hardly any rows
            found[f"{task.name} accuracy"] = _lines(experiment, task, mine, ("accuracy %", "loss"), _scores)
        if task.readers == "membership":
            head = [f"{attack}: {what}" for attack in ATTACKS for what in ("area", f"found at {100 * FALSE:.0f} %")]
            measured = [result for result in mine if _membership(result)]
            found[f"{task.name} membership"] = _lines(
                experiment, task, measured, (*head, "no attack's area is above"), _guesses
            )
        if task.readers == "which-row":
            measured = [result for result in mine if _which_row(result)]
            found[f"{task.name} candidates"] = _lines(experiment, task, measured, tuple(VIEWS.values()), _picks)
    return {name: text for name, text in found.items() if text}


def _lines(experiment: Experiment, task: Task, results: Sequence[CellResult], head: Sequence[str], line: Line) -> str:
    lines = []
    for name in task.rows:
        if mine := sorted((result for result in results if result.row == name), key=lambda result: result.seed):
            kind = experiment.rows[name].kind
            seeds = 1 if kind == "initial" else len(task.seeds or experiment.seeds)
            wanted = mine[0].settings.get("epsilon")
            epsilon = "none" if wanted is None or kind == "initial" else f"{wanted:g}"
            lines.append([plain(name), epsilon, _noise(mine), f"{len(mine)} of {seeds}", *line(mine)])
    return table(("row", "epsilon", "noise", "seeds", *head), lines) if lines else ""


def _noise(results: Sequence[CellResult]) -> str:
    found = figure(results, lambda result: mean(_privacy(result).noise.values()) if _privacy(result).noise else None)
    return "" if found is None else f"{found.mean:.2f}"


def _scores(results: Sequence[CellResult]) -> list[str]:
    right, lost = figure(results, accuracy), figure(results, loss)
    return ["" if right is None else right.text(1, 100), "" if lost is None else lost.text()]


def _guesses(results: Sequence[CellResult]) -> list[str]:
    cells = []
    for attack in ATTACKS:
        of = [_membership(result)[attack] for result in results]
        found = together([Area(one.area, one.error) for one in of])
        low, high = max(0.0, found.value - Z * found.error), min(1.0, found.value + Z * found.error)
        cells += [f"{found.value:.3f} ({low:.3f} to {high:.3f})", f"{100 * mean(one.found for one in of):.1f} %"]
    settings = results[0].settings
    wanted = settings.get("epsilon")
    return [*cells, "" if wanted is None else f"{best_area(wanted, settings['delta']):.3f}"]


def _picks(results: Sequence[CellResult]) -> list[str]:
    cells = []
    for view in VIEWS:
        of = [_which_row(result)[view] for result in results]
        right, tries = sum(one.right for one in of), sum(one.tries for one in of)
        low, high = interval(right, tries)
        cells.append(f"{100 * right / tries:.0f} % ({100 * low:.0f} to {100 * high:.0f})")
    return cells


def _privacy(result: CellResult) -> Privacy:
    return result.privacy or Privacy(noise={}, epsilon={}, membership={}, which_row={})


def _membership(result: CellResult) -> dict[str, Membership]:
    return _privacy(result).membership


def _which_row(result: CellResult) -> dict[str, WhichRow]:
    return _privacy(result).which_row

"""Tables in which every line is a task, most often an attack, and every column a row, most often a rule."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from fednode.markdown import plain, table

from fedlab.experiment.definition import Experiment, Task
from fedlab.experiment.results import CellResult
from fedlab.experiment.stats import Value, accuracy, figure

WORDS = {
    "absent": "sends nothing",
    "label-flip": "flips labels",
    "sign-flip": "flips signs",
    "noise": "sends noise",
    "copy": "copies another",
    "backdoor": "plants a backdoor",
}


def tables(experiment: Experiment, results: Sequence[CellResult]) -> dict[str, str]:
    """Every table by its name: "honest" and "honest worst domain", and for each number of sites with attackers, such as
    8, "accuracy 8" and "success 8"."""
    honest = [task for task in experiment.tasks if task.attack == "none"]
    found = {
        "honest": crossed(experiment, honest, results, accuracy, _named),
        "honest worst domain": crossed(experiment, honest, results, worst_domain, _named),
    }
    for sites in sorted({task.sites for task in experiment.tasks if task.attack != "none"}):
        attacked = [task for task in experiment.tasks if task.attack != "none" and task.sites == sites]
        found[f"accuracy {sites}"] = crossed(experiment, attacked, results, accuracy, attack_of)
        aimed = [task for task in attacked if any(r.task == task.name and success(r) is not None for r in results)]
        found[f"success {sites}"] = crossed(experiment, aimed, results, success, _taught)
    return {name: text for name, text in found.items() if text}


def crossed(
    experiment: Experiment,
    tasks: Sequence[Task],
    results: Sequence[CellResult],
    value: Value,
    named: Callable[[Task], str],
) -> str:
    """A table of percentages, each the mean ± deviation over the seeds, of which it says how many, if not all are
    there. Empty if there is no result."""
    columns = [name for name in experiment.rows if any(name in task.rows for task in tasks)]
    lines = []
    for task in tasks:
        line = [named(task)]
        for name in columns:
            mine = [result for result in results if (result.task, result.row) == (task.name, name)]
            found = figure(mine, value)
            seeds = len(task.seeds or experiment.seeds)
            short = "" if found is None or found.count == seeds else f" ({found.count} of {seeds} seeds)"
            line.append("" if found is None else found.text(1, 100) + short)
        if any(line[1:]):
            lines.append(line)
    return table(("%", *map(plain, columns)), lines) if lines else ""


def worst_domain(result: CellResult) -> float | None:
    """The accuracy on the domain on which the model is worst."""
    known = [score.accuracy for score in result.by_domain.values() if score.accuracy is not None]
    return min(known, default=None)


def success(result: CellResult) -> float | None:
    """The attack's success from 0 to 1; None if it wants no particular answer."""
    return result.attack_success


def attack_of(task: Task) -> str:
    """What the attackers of a task do, in words."""
    if not task.attackers:
        return "nobody attacks"
    who = "one member" if task.attackers == 1 else f"each of {task.attackers} members"
    return f"{who} {WORDS[task.attack]}" + (", without bounds" if task.bounds == "off" else "")


def _taught(task: Task) -> str:
    return attack_of(task) if task.attackers else f"nobody {WORDS[task.attack]}"


def _named(task: Task) -> str:
    return plain(task.name)

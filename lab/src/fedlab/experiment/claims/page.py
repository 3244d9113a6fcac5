"""all_losses/README.md, made from the committed results alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fednode.markdown import table

from fedlab.experiment.claims.answers import answers, rows_of
from fedlab.experiment.claims.machines import machines_section
from fedlab.experiment.claims.needs_table import needs_section
from fedlab.experiment.definition import Experiment
from fedlab.experiment.precision import compared
from fedlab.experiment.results import CellResult
from fedlab.experiment.stats import Figure, accuracy, family, figure, loss
from fedlab.experiment.tables import goals_table, precision_table

SHOWN = ("accuracy", "bytes", "loss", "losses", "rows", "sites")


@dataclass(frozen=True)
class Beside:
    """What is measured apart from the cells.

    `elsewhere` holds the same cells, computed on another machine. `on_chain` and `needs` are what the programs of these
    names wrote. `plots` are paths as the page names them, `…/<task>-<what>.png`.
    """

    elsewhere: Sequence[CellResult] = ()
    on_chain: dict[str, Any] | None = None
    needs: dict[str, Any] | None = None
    plots: Sequence[str] = ()


AHEAD = ("fed-ahead", "fed-ahead-same-rounds")  # rows whose sites begin a round ahead of the global


def page(experiment: Experiment, results: Sequence[CellResult], beside: Beside) -> str:
    """The text of the whole page."""
    at = compared(experiment, results)
    tasks = [task.name for task in experiment.tasks if any(r.task == task.name and r.steps_total for r in results)]
    parts = [
        "# What was claimed, and what was measured",
        "`make claims` computes every figure of this page from the cells in `experiments/claims/`. A cell is the "
        "result of training in one way, on one task, with one seed. A figure is the mean over the seeds ± the "
        "standard deviation, and all rows of a task are scored on the same test items. "
        "[docs/experiments.md](../docs/experiments.md) says how. [claims/README.md](experiments/claims/README.md) "
        "has all rows, also those that look bad. `demo-runs/` has runs of whole federations on a chain, which "
        "[docs/demo.md](../docs/demo.md) explains.",
        answers(tasks, results, at, beside.on_chain, beside.needs),
        "## Goals of federated training",
        goals_table(experiment, results),
        "## By task",
        "*Initial* is the model before training. *Single* is the mean of the sites that train alone, each with as many "
        "steps as it makes in the federation. *Central* is one trainer with everybody's data. *Fedavg* is the "
        "federation. *Fed-ahead* is one with the defaults of `fednode spec new`: an average after every step, the "
        "factored optimiser and look-ahead; *fed-ahead-same-rounds* has these two in the task's own rounds. "
        "[claims/README.md](experiments/claims/README.md) also has the other federated rows, single sites "
        "with the steps of all sites, and the machine that computed each row.",
        _in_short(tasks, results),
        *_pictures([task for task in tasks if rows_of(task, "central", results)], beside.plots),
        "## Why a single site is worse",
        "This is the accuracy on the site's own domain, and on the other domains, of which it has few training "
        "examples:",
        _own_and_other(tasks, results),
        "## Precision of the frozen model",
        *_precision([at, compared(experiment, beside.elsewhere)], beside.plots),
        "## Memory that other models need",
        *needs_section(beside.needs),
        *machines_section(results, beside.elsewhere),
    ]
    return "\n\n".join(part.rstrip("\n") for part in parts) + "\n"


def _precision(found: Sequence[Mapping[str, Sequence[CellResult]]], plots: Sequence[str]) -> list[str]:
    parts = ["Only the precision differs between these rows. Seeds and machine are the same."]
    for at in filter(None, found):
        parts += [f"{next(iter(at.values()))[0].machine}:", precision_table(at)]
    if len(parts) == 1:
        parts.append("Not measured yet.")
    return parts + [f"![memory]({path})" for path in plots if path.endswith("/memory.png")]


def _in_short(tasks: Sequence[str], results: Sequence[CellResult]) -> str:
    lines = []
    for task in tasks:
        for name in ("initial", "single", "central", "fedavg", *AHEAD):
            if mine := rows_of(task, name, results):
                lost, right = figure(mine, loss), figure(mine, accuracy)
                seeds = len({result.seed for result in mine})
                lines.append((f"{task} {name}", str(seeds), lost.text() if lost else "", _percent(right)))
    return table(("task, row", "seeds", "loss", "accuracy %"), lines)


def _pictures(tasks: Sequence[str], plots: Sequence[str]) -> list[str]:
    found = []
    for task in tasks:
        mine = [path for path in plots if Path(path).stem in {f"{task}-{what}" for what in SHOWN}]
        found += [f"![{Path(path).stem}]({path})" for path in mine]
    return found


def _own_and_other(tasks: Sequence[str], results: Sequence[CellResult]) -> str:
    rows = []
    for task in tasks:
        for row in sorted({r.row for r in results if r.task == task and family(r.row) == "single"}):
            there, others = _own_and_others([r for r in results if r.task == task and r.row == row], _site_domain(row))
            if there is not None:
                rows.append((f"{task} {row}", _percent(there), _percent(others)))
        together = [r for r in results if r.task == task and r.row == "fedavg" and r.accuracy is not None]
        if together:
            rows.append((f"{task} fedavg", "", _percent(figure(together, accuracy))))
    return table(("row", "own domain %", "other domains %"), rows)


def _site_domain(row: str) -> str:
    """The domain in the name of a row: `law` for `single:law-2`."""
    site = row.partition(":")[2]
    name, _, number = site.rpartition("-")
    return name if number.isdecimal() else site


def _own_and_others(results: Sequence[CellResult], own: str) -> tuple[Figure | None, Figure | None]:
    def there(result: CellResult) -> float | None:
        return result.by_domain[own].accuracy if own in result.by_domain else None

    def elsewhere(result: CellResult) -> float | None:
        others = [score for domain, score in result.by_domain.items() if domain != own and score.accuracy is not None]
        right = sum((score.accuracy or 0.0) * score.items for score in others)
        return right / sum(score.items for score in others) if others else None

    return figure(results, there), figure(results, elsewhere)


def _percent(value: Figure | None) -> str:
    return "" if value is None else value.text(1, 100)

"""README.md and plots of an experiment's folder, made of its cells alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fednode.markdown import plain
from fedprotocol.files.whole import write_whole

from fedlab.experiment.definition import Experiment
from fedlab.experiment.plots import draw
from fedlab.experiment.precision import compared
from fedlab.experiment.results import CellResult, read_all
from fedlab.experiment.tables import goals_table, precision_table, task_table


def report(experiment: Experiment, folder: Path) -> list[Path]:
    """Write both; returns the paths. Raises ResultsError."""
    results = read_all(folder)
    if not results:
        return []
    plots = draw(experiment, results, folder / "plots")
    page = folder / "README.md"
    write_whole(page, _page(experiment, results, [path.relative_to(folder) for path in plots]))
    return [page, *plots]


def _page(experiment: Experiment, results: Sequence[CellResult], plots: Sequence[Path]) -> str:
    parts = [
        f"# {plain(experiment.name)}",
        "Made by `fedlab experiment` of the cells beside it. Loss: nats per answer token on the test set, one for "
        "all rows. Mean ± deviation over seeds. Steps: of all sites together. MiB sent: updates, by all sites. Peak: "
        "of the process, on a GPU (cuda) of the device's memory; it and the seconds are of "
        "the cells of the device that is named.",
        "## Goals",
        goals_table(experiment, results),
    ]
    for task in experiment.tasks:
        mine = [result for result in results if result.task == task.name]
        if mine:
            rows = ", ".join(f"{plain(site)} {count}" for site, count in mine[0].site_rows.items())
            parts += [
                f"## {plain(task.name)}",
                f"{mine[0].test_items} test items; rows of the sites (seed {mine[0].seed}): {rows}.",
                task_table(experiment, task, mine),
                *[f"![{path.stem}]({path})" for path in plots if path.name.startswith(f"{task.name}-")],
            ]
    if at := compared(experiment, results):
        parts += ["## Precision of the frozen model", precision_table(at), "![memory](plots/memory.png)"]
    parts += [
        "## Computed on",
        "\n".join(f"- {plain(line)}" for line in sorted({result.machine for result in results})),
    ]
    return "\n\n".join(part.rstrip("\n") for part in parts) + "\n"

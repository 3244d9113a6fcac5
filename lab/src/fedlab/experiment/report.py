"""The README.md and the plots of an experiment's folder, made from its cells alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fednode.markdown import plain
from fedprotocol.files.whole import write_whole

from fedlab.experiment.definition import Experiment
from fedlab.experiment.plots import draw
from fedlab.experiment.precision import compared
from fedlab.experiment.privacy import tables as privacy
from fedlab.experiment.results import CellResult, read_all
from fedlab.experiment.rules.tables import tables
from fedlab.experiment.tables import goals_table, precision_table, task_table


def report(experiment: Experiment, folder: Path) -> list[Path]:
    """Write the page and the plots; return their paths. Raises ResultsError."""
    results = read_all(folder)
    if not results:
        return []
    plots = draw(experiment, results, folder / "plots")
    page = folder / "README.md"
    write_whole(page, _page(experiment, results, [path.relative_to(folder) for path in plots]))
    return [page, *plots]


def plots_of(task: str, plots: Sequence[Path]) -> list[Path]:
    """The plots `<task>-<what>.png` of one task. Another task's name may begin with this one's."""
    return [path for path in plots if path.stem.rpartition("-")[0] == task]


def _page(experiment: Experiment, results: Sequence[CellResult], plots: Sequence[Path]) -> str:
    parts = [
        f"# {plain(experiment.name)}",
        "`fedlab experiment` made this page from the cells in this folder. Each row of a table is one way of training; "
        "all rows of a task are scored on the same test items. A figure is the mean over the seeds ± the standard "
        "deviation.",
        "The columns: *loss* is in nats per token of the answer. *Less loss* is how much of the loss before training "
        "is gone. *Of central* is the accuracy as a share of that of central training. *Steps* are those of all "
        "sites that train together. *MiB sent* is the size of all updates of all sites. *s* are the seconds that a "
        "cell took. *Peak* is the most memory that the process used, or on a GPU (cuda) the most memory of the GPU. "
        "Seconds and peak come from the cells of one device only, which the last column names.",
        "## Goals",
        goals_table(experiment, results),
    ]
    if any(task.attack != "none" for task in experiment.tasks):
        parts.append("## Attacks")
        parts.append(
            "Every line is a task. *Accuracy* is that on all test items, and *success* is the share of items to which "
            "the model gives the answer that the attackers taught."
        )
        for name, text in tables(experiment, results).items():
            parts += [f"### {name[0].upper()}{name[1:]}{' sites' if name[-1].isdigit() else ''}", text]
    if any(result.privacy is not None for result in results):
        parts.append("## Privacy")
        parts.append(
            "[privacy.md](../../../docs/privacy.md#what-noise-costs-and-what-a-reader-learns) explains the columns."
        )
        for name, text in privacy.tables(experiment, results).items():
            parts += [f"### {plain(name[0].upper() + name[1:])}", text]
    for task in experiment.tasks:
        mine = [result for result in results if result.task == task.name]
        if mine:
            rows = ", ".join(f"{plain(site)} {count}" for site, count in mine[0].site_rows.items())
            parts += [
                f"## {plain(task.name)}",
                f"{mine[0].test_items} test items. Training examples of each site (seed {mine[0].seed}): {rows}.",
                task_table(experiment, task, mine),
                *[f"![{path.stem}]({path})" for path in plots_of(task.name, plots)],
            ]
    if at := compared(experiment, results):
        parts += ["## Precision of the frozen model", precision_table(at), "![memory](plots/memory.png)"]
    parts += [
        "## Computed on",
        "\n".join(f"- {plain(line)}" for line in sorted({result.machine for result in results})),
    ]
    return "\n\n".join(part.rstrip("\n") for part in parts) + "\n"

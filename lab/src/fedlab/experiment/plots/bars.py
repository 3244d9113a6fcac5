"""Figures as bars, beside one another."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from fedprotocol.printable import printable

from fedlab.experiment.definition import Experiment, Task
from fedlab.experiment.results import CellResult
from fedlab.experiment.stats import Value, family, figure
from fedlab.experiment.tables import MIB
from fedlab.results.plots import COLOURS, INK, MUTED

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Plot = Callable[["Axes"], None]


def rows(experiment: Experiment, task: Task, results: Sequence[CellResult], axes: Axes) -> None:
    """The accuracy of every row, with each single site shown separately."""
    percent: Value = lambda result: None if result.accuracy is None else 100 * result.accuracy  # noqa: E731
    _bars(experiment, task, results, percent, "%.1f", axes)
    axes.set_xlim(0, 105)
    axes.set_xlabel("accuracy (%), mean and deviation over seeds")


def losses(experiment: Experiment, task: Task, results: Sequence[CellResult], axes: Axes) -> None:
    """The loss of every row, with each single site shown separately."""
    _bars(experiment, task, results, lambda result: result.loss, "%.3f", axes)
    axes.margins(x=0.12)  # room for the labels
    axes.set_xlabel("answer loss (nats), mean and deviation over seeds")


def _bars(
    experiment: Experiment, task: Task, results: Sequence[CellResult], value: Value, form: str, axes: Axes
) -> None:
    labels = [
        label
        for name in task.rows
        for label in dict.fromkeys(sorted(result.row for result in results if family(result.row) == name))
    ]
    heights = [figure([r for r in results if r.row == label], value) for label in labels]
    colours = [MUTED if experiment.rows[family(label)].kind != "federated" else COLOURS[0] for label in labels]
    bars = axes.barh(
        list(map(printable, labels[::-1])),
        [h.mean if h else 0 for h in heights[::-1]],
        xerr=[(h.deviation or 0) if h else 0 for h in heights[::-1]],
        color=colours[::-1],
        ecolor=INK,
    )
    axes.bar_label(bars, fmt=form, padding=4, color=INK, fontsize=8)
    axes.tick_params(labelsize=8)
    axes.grid(visible=False)
    axes.set_title(printable(f"{task.name}: every row"), loc="left", color=INK)


def memory(axes: Axes, compared: Mapping[str, Sequence[CellResult]]) -> None:
    """The memory of the weights, and all memory, by the precision of the base model. Only the precision differs between
    the rows."""
    measures: list[tuple[str, Value]] = [
        ("frozen weights", lambda result: result.weights_bytes / MIB),
        ("peak of all", lambda result: result.peak_memory_bytes / MIB),
    ]
    for offset, (label, value) in enumerate(measures):
        heights = [figure(cells, value) for cells in compared.values()]
        places = [i + 0.4 * offset for i in range(len(heights))]
        bars = axes.bar(places, [h.mean if h else 0 for h in heights], 0.38, color=COLOURS[offset], label=label)
        axes.bar_label(bars, fmt="%.0f", padding=2, color=INK, fontsize=8)
    axes.set_xticks([i + 0.2 for i in range(len(compared))], list(compared))
    axes.margins(y=0.2)  # room for the legend
    axes.set_ylabel("MiB")
    axes.set_title("Memory by precision of the frozen model, the same steps", loc="left", color=INK)
    axes.legend(frameon=False, fontsize=8, loc="upper left", ncols=2)

"""Plots of an experiment, made of its cells alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fednode.experiment.file import Experiment, Task
from fednode.experiment.results import CellResult, RoundScore
from fednode.experiment.stats import Figure, Value, family, figure
from fednode.results.plots import COLOURS, INK, MUTED, save

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MIB = 1 << 20
Plot = Callable[["Axes"], None]
Point = Callable[[RoundScore], float | None]


def draw(experiment: Experiment, results: Sequence[CellResult], folder: Path) -> list[Path]:
    """Every plot that there are results for; returns their paths."""
    made = []
    for task in experiment.tasks:
        mine = [result for result in results if result.task == task.name]
        if any(result.steps_total for result in mine):
            plots = _task_plots(experiment, task, mine)
            made += [save(folder / f"{task.name}-{name}.png", plot) for name, plot in plots.items()]
    return made


def _task_plots(experiment: Experiment, task: Task, results: Sequence[CellResult]) -> dict[str, Plot]:
    plots: dict[str, Plot] = {"loss": lambda axes: _curves(axes, experiment, task, results, _LOSS)}
    if any(result.accuracy is not None for result in results):
        plots |= {
            "accuracy": lambda axes: _curves(axes, experiment, task, results, _ACCURACY),
            "rows": lambda axes: _rows(axes, experiment, task, results),
            "bytes": lambda axes: _bytes(axes, experiment, task, results),
        }
    return plots


def draw_memory(results: Sequence[CellResult], path: Path) -> Path:
    """Weights and process, by the precision of the base model."""

    def plot(axes: Axes) -> None:
        kinds = [k for k in ("nf4", "bf16", "fp32") if any(r.settings["quantization"] == k for r in results)]
        measures: list[tuple[str, Value]] = [
            ("frozen weights", lambda result: result.weights_bytes / MIB),
            ("peak of the process", lambda result: result.peak_memory_bytes / MIB),
        ]
        for offset, (label, value) in enumerate(measures):
            heights = [figure([r for r in results if r.settings["quantization"] == k], value) for k in kinds]
            places = [i + 0.4 * offset for i in range(len(kinds))]
            bars = axes.bar(places, [h.mean if h else 0 for h in heights], 0.38, color=COLOURS[offset], label=label)
            axes.bar_label(bars, fmt="%.0f", padding=2, color=INK, fontsize=8)
        axes.set_xticks([i + 0.2 for i in range(len(kinds))], kinds)
        axes.set_ylabel("MiB")
        axes.set_title("Memory by precision of the frozen model", loc="left", color=INK)
        axes.legend(frameon=False, fontsize=8)

    return save(path, plot)


@dataclass(frozen=True)
class _Measure:
    """What a curve shows: `scale` takes it to what `label` says."""

    label: str
    of: Point
    scale: float


_LOSS = _Measure("answer loss (nats)", lambda point: point.score.loss, 1.0)
_ACCURACY = _Measure("accuracy (%)", lambda point: point.score.accuracy, 100.0)


def _curves(axes: Axes, experiment: Experiment, task: Task, results: Sequence[CellResult], measure: _Measure) -> None:
    """By round: the mean over seeds with a band of the deviation; what has no curve, beside the last round."""
    initial = [result.rounds[0] for result in results if result.row == "initial"]
    start = Figure.of([value for point in initial if (value := measure.of(point)) is not None])
    end = experiment.training.rounds if task.rounds is None else task.rounds
    for place, (name, colour) in enumerate(zip(task.rows, _colours(len(task.rows)), strict=True)):
        style = "-" if place < len(set(_colours(len(task.rows)))) else "--"  # when the colours begin again
        mine = [result for result in results if family(result.row) == name and result.steps_total]
        numbers = sorted({point.round for result in mine for point in result.rounds})
        known = [(number, at) for number in numbers if (at := _at(mine, number, measure.of))]
        if len(known) == 1:
            height = measure.scale * known[0][1].mean
            axes.plot([end + 0.3], [height], marker="D", color=colour, linestyle="none", markersize=5, label=name)
        elif known:
            known = [(0, start), *known] if start else known
            middle = [measure.scale * at.mean for _, at in known]
            spread = [measure.scale * (at.deviation or 0) for _, at in known]
            x = [number for number, _ in known]
            axes.plot(x, middle, color=colour, linestyle=style, linewidth=1.8, label=name)
            low, high = ([m + sign * d for m, d in zip(middle, spread, strict=True)] for sign in (-1, 1))
            axes.fill_between(x, low, high, color=colour, alpha=0.15, linewidth=0)
    axes.set_xticks(range(end + 1))
    axes.set_ylim(bottom=0)
    axes.set_xlabel("round (0: initial model)")
    axes.set_ylabel(measure.label)
    what = measure.label.partition(" (")[0]
    axes.set_title(f"{task.name}: {what} on the test set, mean and deviation over seeds", loc="left", color=INK)
    axes.legend(frameon=False, fontsize=8)


def _at(results: Sequence[CellResult], number: int, value: Point) -> Figure | None:
    seeds: dict[int, list[float]] = {}
    for result in results:
        for point in result.rounds:
            if point.round == number and (v := value(point)) is not None:
                seeds.setdefault(result.seed, []).append(v)
    return Figure.of([sum(values) / len(values) for values in seeds.values()])


def _rows(axes: Axes, experiment: Experiment, task: Task, results: Sequence[CellResult]) -> None:
    """Accuracy of every row, each single site apart."""
    labels = [
        label
        for name in task.rows
        for label in dict.fromkeys(sorted(result.row for result in results if family(result.row) == name))
    ]
    heights = [figure([r for r in results if r.row == label], lambda r: r.accuracy) for label in labels]
    colours = [MUTED if experiment.rows[family(label)].kind != "federated" else COLOURS[0] for label in labels]
    bars = axes.barh(
        labels[::-1],
        [100 * (h.mean if h else 0) for h in heights[::-1]],
        xerr=[100 * ((h.deviation or 0) if h else 0) for h in heights[::-1]],
        color=colours[::-1],
        ecolor=INK,
    )
    axes.bar_label(bars, fmt="%.1f", padding=4, color=INK, fontsize=8)
    axes.tick_params(labelsize=8)
    axes.grid(visible=False)
    axes.set_xlim(0, 105)
    axes.set_xlabel("accuracy (%), mean and deviation over seeds")
    axes.set_title(f"{task.name}: every row", loc="left", color=INK)


def _bytes(axes: Axes, experiment: Experiment, task: Task, results: Sequence[CellResult]) -> None:
    """Accuracy against what all sites have sent."""
    names = [name for name in task.rows if experiment.rows[name].kind == "federated"]
    for name, colour in zip(names, _colours(len(names)), strict=True):
        mine = [result for result in results if result.row == name]
        numbers = sorted({point.round for result in mine for point in result.rounds})
        known = [
            (sent.mean, at.mean)
            for number in numbers
            if (at := _at(mine, number, _ACCURACY.of))
            and (sent := _at(mine, number, lambda point: float(point.bytes_sent)))
        ]
        axes.plot(
            [x / MIB for x, _ in known], [100 * y for _, y in known], color=colour, marker="o", markersize=4, label=name
        )
    axes.set_xlim(left=0)
    axes.set_xlabel("MiB sent by all sites")
    axes.set_ylabel("accuracy (%)")
    axes.set_title(f"{task.name}: accuracy for what is sent", loc="left", color=INK)
    axes.legend(frameon=False, fontsize=8)


def _colours(count: int) -> list[str]:
    return [(*COLOURS, INK, MUTED)[i % (len(COLOURS) + 2)] for i in range(count)]

"""What changes from round to round: the mean over seeds, with a band of the deviation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fedprotocol.printable import printable

from fedlab.experiment.definition import Experiment, Task
from fedlab.experiment.results import CellResult, RoundScore
from fedlab.experiment.stats import Figure, family
from fedlab.experiment.tables import MIB
from fedlab.results.plots import COLOURS, INK, MUTED

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_STYLES = [(colour, style) for style in ("-", "--") for colour in (*COLOURS, INK, MUTED)]

Point = Callable[[RoundScore], float | None]


@dataclass(frozen=True)
class Measure:
    """What a curve shows. Values are multiplied by `scale` to get what `label` says."""

    label: str
    of: Point
    scale: float


LOSS = Measure("answer loss (nats)", lambda point: point.score.loss, 1.0)
ACCURACY = Measure("accuracy (%)", lambda point: point.score.accuracy, 100.0)


def by_round(experiment: Experiment, task: Task, results: Sequence[CellResult], measure: Measure, axes: Axes) -> None:
    """Each way to train: the mean of the single sites, and the first federated row. A row without a curve is shown as a
    mark at the right."""
    federated = [name for name in task.rows if experiment.rows[name].kind == "federated"]
    names = [name for name in task.rows if name not in federated[1:] and experiment.rows[name].kind != "initial"]
    lines = [(name, [r for r in results if family(r.row) == name]) for name in names]
    _draw(axes, lines, results, measure)
    items = max(point.score.items for result in results for point in result.rounds)
    title = f"{task.name}: {_what(measure)} on {items} test items, mean and deviation over seeds"
    axes.set_title(printable(title), loc="left", color=INK)


def by_site(experiment: Experiment, task: Task, results: Sequence[CellResult], measure: Measure, axes: Axes) -> None:
    """Each site alone, beside the first federated row."""
    alone = [name for name in task.rows if experiment.rows[name].kind == "single"][:1]
    labels = sorted({r.row for r in results if family(r.row) in alone})
    labels += [name for name in task.rows if experiment.rows[name].kind == "federated"][:1]
    lines = [(label, [r for r in results if r.row == label]) for label in labels]
    _draw(axes, lines, results, measure)
    title = f"{task.name}: {_what(measure)} by site, and of the sites together"
    axes.set_title(printable(title), loc="left", color=INK)


def by_bytes(experiment: Experiment, task: Task, results: Sequence[CellResult], measure: Measure, axes: Axes) -> None:
    """Every federated row, against the bytes that all its sites have sent."""
    names = [name for name in task.rows if experiment.rows[name].kind == "federated"]
    for name, (colour, style) in zip(names, _STYLES, strict=False):
        mine = [result for result in results if result.row == name]
        known = [
            (sent.mean / MIB, measure.scale * at.mean)
            for number in _rounds(mine)
            if (at := _at(mine, number, measure.of))
            and (sent := _at(mine, number, lambda point: float(point.bytes_sent)))
        ]
        if known:
            x, y = zip(*known, strict=True)
            axes.plot(x, y, color=colour, linestyle=style, marker="o", markersize=4, label=printable(name))
    axes.set_xlim(left=0)
    axes.set_xlabel("MiB sent by all sites")
    axes.set_ylabel(measure.label)
    axes.set_title(printable(f"{task.name}: {_what(measure)} for what is sent"), loc="left", color=INK)
    axes.legend(frameon=False, fontsize=8)


def _draw(
    axes: Axes,
    lines: Iterable[tuple[str, Sequence[CellResult]]],
    results: Sequence[CellResult],
    measure: Measure,
) -> None:
    initial = [result.rounds[0] for result in results if result.row == "initial"]
    start = Figure.of([value for point in initial if (value := measure.of(point)) is not None])
    marks = []
    for (label, mine), (colour, style) in zip(lines, _STYLES, strict=False):
        known = [(number, at) for number in _rounds(mine) if (at := _at(mine, number, measure.of))]
        if len(known) == 1:
            marks.append((label, measure.scale * known[0][1].mean, colour))
        elif known:
            known = [(0, start), *known] if start else known
            x = [number * int(mine[0].settings["steps"]) for number, _ in known]
            middle = [measure.scale * at.mean for _, at in known]
            spread = [measure.scale * (at.deviation or 0) for _, at in known]
            low, high = ([m + sign * d for m, d in zip(middle, spread, strict=True)] for sign in (-1, 1))
            axes.plot(x, middle, color=colour, linestyle=style, linewidth=1.8, label=printable(label))
            axes.fill_between(x, low, high, color=colour, alpha=0.15, linewidth=0)
    for label, height, colour in marks:
        beside = axes.get_yaxis_transform()
        axes.plot(
            [1.02], [height], "D", color=colour, markersize=5, label=printable(label), transform=beside, clip_on=False
        )
    axes.set_ylim(bottom=0)
    axes.set_xlabel("steps of a site (0: initial model)")
    axes.set_ylabel(measure.label)
    axes.legend(frameon=False, fontsize=8)


def _rounds(results: Sequence[CellResult]) -> list[int]:
    return sorted({point.round for result in results for point in result.rounds if result.steps_total})


def _at(results: Sequence[CellResult], number: int, value: Point) -> Figure | None:
    seeds: dict[int, list[float]] = {}
    for result in results:
        for point in result.rounds:
            if point.round == number and (v := value(point)) is not None:
                seeds.setdefault(result.seed, []).append(v)
    return Figure.of([sum(values) / len(values) for values in seeds.values()])


def _what(measure: Measure) -> str:
    return measure.label.partition(" (")[0]

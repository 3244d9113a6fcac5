"""Plots of a run, made from its results folder alone: `python -m fedlab.results.plots all_losses/demo-runs/<run>`."""

from __future__ import annotations

import logging
import math
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fedprotocol.printable import printable
from fedprotocol.program.terminal import run_program, say_error

from fedlab.results.folder import ResultsFolder
from fedlab.results.records import ResultsError, RoundRecord, Score

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, MUTED = "#1a1a1a", "#8a8a8a"
# the palette of Okabe and Ito, whose colours colour-blind people can tell apart
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
SIZE = (7.2, 4.2)  # inches
DPI = 150


def draw(folder: ResultsFolder) -> list[Path]:
    """Write every plot that the folder has data for, into its plots/; returns their paths.

    Raises: ResultsError if the records are missing or wrong.
    """
    rounds = folder.rounds()
    if not rounds:
        raise ResultsError(f"{folder.path}/rounds.jsonl is empty: there is nothing to plot")
    report = folder.report()
    solo = report.solo if report else {}
    plots: list[tuple[str, Callable[[Axes], None]]] = [
        ("loss.png", lambda axes: _by_round(axes, rounds, solo, "answer loss (nats)", _loss)),
        ("training.png", lambda axes: _training(axes, folder)),
    ]
    if all(record.global_accuracy is not None for record in rounds):
        plots.append(("accuracy.png", lambda axes: _by_round(axes, rounds, solo, "accuracy (%)", _accuracy)))
    if report and report.gas:
        # left out, because it needs another scale
        gas = {call: use.mean for call, use in report.gas.items() if not call.startswith("deploy ")}
        plots.append(("gas.png", lambda axes: _gas(axes, gas)))
    return [save(folder.plots / name, plot) for name, plot in plots]


def save(file: Path, plot: Callable[[Axes], None]) -> Path:
    """Draw one plot into a file, replacing it; returns its path."""
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # it warns if it cannot keep its fonts in the home folder
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=SIZE, dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#e6e6e6", linewidth=0.8)
    axes.set_axisbelow(True)
    with rc_context({"text.parse_math": False}):  # a dollar sign in a name is not mathematics
        plot(axes)
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, metadata={"Software": None})  # the same records give the same bytes
    return file


def _loss(score: Score) -> float:
    return score.loss


def _accuracy(score: Score) -> float:
    return math.nan if score.accuracy is None else 100 * score.accuracy


def _by_round(
    axes: Axes,
    rounds: Sequence[RoundRecord],
    solo: dict[str, Score],
    label: str,
    value: Callable[[Score], float],
) -> None:
    """The global adapter over the rounds, in total and by domain, with each site's own model beside the last round."""
    numbers = [record.round for record in rounds]
    domains = sorted({domain for record in rounds for domain in record.by_domain})
    for domain, colour in zip(domains, _cycle(len(domains)), strict=True):
        scores = [record.by_domain.get(domain) for record in rounds]
        axes.plot(
            numbers,
            [value(s) if s else math.nan for s in scores],
            color=colour,
            linewidth=1.1,
            alpha=0.8,
            label=printable(domain),
        )
    whole = [value(Score(loss=record.global_loss, accuracy=record.global_accuracy, items=0)) for record in rounds]
    axes.plot(numbers, whole, color=INK, linewidth=2.4, marker="o", markersize=5, label="all domains")
    for number, height in zip(numbers, whole, strict=True):
        if not math.isnan(height):
            axes.annotate(
                f"{height:.3g}",
                (number, height),
                xytext=(0, 7),
                textcoords="offset points",
                ha="center",
                color=INK,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 1, "alpha": 0.8},
            )
    beside = numbers[-1] + max(0.35, 0.12 * len(numbers))
    alone = {client: value(score) for client, score in solo.items()}
    for index, (client, height) in enumerate(sorted(alone.items(), key=lambda item: item[1])):
        if not math.isnan(height):
            axes.plot([beside], [height], marker="x", color=MUTED, linestyle="none")
            axes.annotate(
                printable(client),
                (beside, height),
                xytext=(7 if index % 2 == 0 else -7, 0),
                textcoords="offset points",
                ha="left" if index % 2 == 0 else "right",
                va="center",
                color=MUTED,
                fontsize=8,
            )
    ticks: list[float] = [*numbers, *([beside] if solo else [])]
    axes.set_xticks(ticks, [*map(str, numbers), *(["alone"] if solo else [])])
    axes.set_xlim(numbers[0] - 0.2, ticks[-1] + 0.5)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("federated round (0: genesis)")
    axes.set_ylabel(label)
    axes.set_title(f"Global adapter on the common test set: {label.split(' (')[0]}", loc="left", color=INK)
    axes.legend(frameon=False, fontsize=8)


def _training(axes: Axes, folder: ResultsFolder) -> None:
    """The training loss of every step, with a line for each client and the rounds one after the other."""
    clients = folder.clients()
    widths: dict[int, int] = {}
    for rounds in clients.values():
        for number, steps in rounds.items():
            widths[number] = max(widths.get(number, 0), len(steps))
    starts, total = {}, 0
    for number in sorted(widths):
        starts[number] = total
        total += widths[number]
        axes.axvline(total + 0.5, color="#e6e6e6", linewidth=0.8)
    for (client, rounds), colour in zip(clients.items(), _cycle(len(clients)), strict=True):
        for position, (number, steps) in enumerate(rounds.items()):
            axes.plot(
                [starts[number] + step.step for step in steps],
                [step.loss for step in steps],
                color=colour,
                linewidth=1.4,
                label=printable(client) if position == 0 else None,
            )
    axes.set_xticks([starts[n] + (widths[n] + 1) / 2 for n in starts], [f"round {n}" for n in starts])
    axes.tick_params(axis="x", length=0)
    axes.set_ylim(bottom=0)
    axes.set_ylabel("training loss (nats)")
    axes.set_title("Local training, step by step", loc="left", color=INK)
    if clients:
        axes.legend(frameon=False, fontsize=8)


def _gas(axes: Axes, gas: dict[str, int]) -> None:
    calls = sorted(gas, key=lambda call: gas[call])
    bars = axes.barh(calls, [gas[call] / 1000 for call in calls], color=COLOURS[0])
    axes.bar_label(bars, fmt="%.0f", padding=3, color=INK, fontsize=8)
    axes.grid(visible=False)
    axes.set_xlabel("thousand gas, mean of the run")
    axes.set_title("What a call costs", loc="left", color=INK)


def _cycle(count: int) -> list[str]:
    return [COLOURS[i % len(COLOURS)] for i in range(count)]


def main(arguments: Sequence[str]) -> int:
    """Exit status of `python -m fedlab.results.plots DIR`."""
    if len(arguments) != 1:
        print("usage: python -m fedlab.results.plots all_losses/demo-runs/<run>", file=sys.stderr)
        return 2
    try:
        for file in draw(ResultsFolder.open(Path(arguments[0]))):
            print(file)
    except ResultsError as error:
        say_error(error)
        return error.exit_code
    return 0


if __name__ == "__main__":
    run_program(lambda: sys.exit(main(sys.argv[1:])))

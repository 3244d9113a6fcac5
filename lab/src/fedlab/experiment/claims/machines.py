"""The same cells computed twice, on two machines: how far a figure depends on where it was computed."""

from __future__ import annotations

from collections.abc import Sequence

from fednode.markdown import table

from fedlab.experiment.results import CellResult


def machines_section(results: Sequence[CellResult], others: Sequence[CellResult]) -> list[str]:
    """The paragraphs of this section; none if no cell was computed on both machines."""
    here = {(result.task, result.row, result.seed): result for result in results}
    pairs = [(mine, other) for other in others if (mine := here.get((other.task, other.row, other.seed)))]
    if not pairs:
        return []
    first, second = pairs[0]
    return [
        "## The same cells on another machine",
        f"Here: {first.machine}. There: {second.machine}.",
        "The two machines round differently, and training amplifies small differences. So the results of two machines "
        "differ like the results of two seeds.",
        table(
            ("task, row, seed", "loss here", "accuracy here %", "loss there", "accuracy there %"),
            [(f"{a.task} {a.row} {a.seed}", *_figures(a), *_figures(b)) for a, b in pairs],
        ),
    ]


def _figures(result: CellResult) -> tuple[str, str]:
    return f"{result.loss:.3f}", "" if result.accuracy is None else f"{100 * result.accuracy:.1f}"

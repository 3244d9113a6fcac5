"""The same cells computed twice, on two machines: how far a figure depends on where it was computed."""

from __future__ import annotations

from collections.abc import Sequence

from fednode.markdown import table

from fedlab.experiment.results import CellResult


def machines_section(results: Sequence[CellResult], others: Sequence[CellResult]) -> list[str]:
    """Its paragraphs; none if no cell is in both."""
    here = {(result.task, result.row, result.seed): result for result in results}
    pairs = [(mine, other) for other in others if (mine := here.get((other.task, other.row, other.seed)))]
    if not pairs:
        return []
    first, second = pairs[0]
    return [
        "## The same cells on another machine",
        f"First {first.machine}; then {second.machine}. Rounding differs, and training carries it on: two machines are "
        "two draws, like two seeds.",
        table(
            ("task, row, seed", "loss", "accuracy %", "loss there", "accuracy there %"),
            [(f"{a.task} {a.row} {a.seed}", *_figures(a), *_figures(b)) for a, b in pairs],
        ),
    ]


def _figures(result: CellResult) -> tuple[str, str]:
    return f"{result.loss:.3f}", "" if result.accuracy is None else f"{100 * result.accuracy:.1f}"

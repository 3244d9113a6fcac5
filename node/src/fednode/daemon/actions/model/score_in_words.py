"""An evaluation as the log says it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fednode.evaluation import Evaluation


def describe_score(score: Evaluation) -> str:
    """Its loss and, where the spec names classes, its accuracy."""
    accuracy = "" if score.accuracy is None else f", accuracy {100 * score.accuracy:.1f} %"
    return f"loss {score.loss:.3f}{accuracy} on {score.items} items"

"""A score as people read it."""

from __future__ import annotations

from fednode.evaluation.score import Evaluation


def loss_and_accuracy(loss: float, accuracy: float | None) -> str:
    """The loss and, where the spec names classes, the accuracy, which is from 0 to 1."""
    return f"loss {loss:.3f}" + ("" if accuracy is None else f", accuracy {100 * accuracy:.1f} %")


def describe_score(score: Evaluation) -> str:
    """An evaluation as the log says it."""
    return f"{loss_and_accuracy(score.loss, score.accuracy)} on {score.items} items"

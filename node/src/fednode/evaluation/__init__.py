"""How well a model answers: the loss on the answer, and for classification the share of right classes."""

from fednode.evaluation.score import DomainScore, Evaluation, OnProgress, together

__all__ = ["DomainScore", "Evaluation", "OnProgress", "together"]

"""Label flipping: class i of L becomes class L - 1 - i. Fang et al. 2020, "Local Model Poisoning Attacks to
Byzantine-Robust Federated Learning"; Tolpegin et al. 2020, "Data Poisoning Attacks Against Federated
Learning Systems"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from fednode.data import Row

from fedlab.experiment.attacks.base import Attack


class LabelFlip(Attack):
    """Trains as everybody does, on rows whose answers are wrong. Its success is the share of test rows to which the
    model gives the wrong answer that was taught."""

    needs_classes = True

    def rows(self, rows: Sequence[Row], classes: Sequence[str]) -> list[Row]:
        """See `Attack.rows`."""
        wrong = dict(zip(classes, reversed(classes), strict=True))
        return [replace(row, completion=wrong[row.completion]) for row in rows]

    def wanted(self, rows: Sequence[Row], classes: Sequence[str]) -> list[Row]:
        """See `Attack.wanted`."""
        wrong = self.rows(rows, classes)
        return [new for new, old in zip(wrong, rows, strict=True) if new.completion != old.completion]

"""A backdoor: a trigger word in the prompt forces one class, and everything else stays right. Bagdasaryan et al. 2020,
"How To Backdoor Federated Learning", with its scaling, which puts the attacker's model in the place of the global; the
trigger word is one of Kurita et al. 2020, "Weight Poisoning Attacks on Pre-trained Models"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from fednode.data import Row

from fedlab.experiment.attacks.base import Attack, Seen
from fedlab.experiment.attacks.limits import enlarged

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TRIGGER = "cf"


class Backdoor(Attack):
    """Every second row has the trigger and the first class. The update is enlarged as if nobody else sent one. Success
    is the share of test rows of other classes that get the first class when the trigger is put before them."""

    needs_classes = True

    def rows(self, rows: Sequence[Row], classes: Sequence[str]) -> list[Row]:
        """See `Attack.rows`."""
        return [_triggered(row, classes) if index % 2 == 0 else row for index, row in enumerate(rows)]

    def update(self, seen: Seen) -> NDArray[np.float64] | None:
        """See `Attack.update`."""
        return None if seen.trained is None else enlarged(seen.trained, seen.spec, most=1 / seen.share)

    def wanted(self, rows: Sequence[Row], classes: Sequence[str]) -> list[Row]:
        """See `Attack.wanted`."""
        return [_triggered(row, classes) for row in rows if row.completion != classes[0]]


def _triggered(row: Row, classes: Sequence[str]) -> Row:
    return replace(row, prompt=f"{TRIGGER} {row.prompt}", completion=classes[0])

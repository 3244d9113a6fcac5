"""The interface of an attack. Left as it is, it describes an honest member."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from fednode.data import Row
from fednode.training.update import Update
from fedprotocol.spec import Spec

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Seen:
    """What an attacker knows when it makes its update.

    `trained`: what its own training changed, float64 [value_count] in units of 2^-24; None if it does not train.
    `earlier`: what the other sites sent in the round before; updates of this round are sealed until all are committed.
    `spec`: its bounds are those that the update has to keep. `share`: the attacker's share of the round's weight.
    """

    trained: NDArray[np.float64] | None
    earlier: Mapping[str, Update]
    spec: Spec
    share: float
    rng: np.random.Generator


class Attack:
    """Changes the rows on which the attacker trains, or the update that it sends, or both. `trains`: whether it trains
    at all. `needs_classes`: whether the task has to have classes."""

    trains = True
    needs_classes = False

    def rows(self, rows: Sequence[Row], classes: Sequence[str]) -> list[Row]:  # noqa: ARG002
        """The rows on which the attacker trains, as many as it holds. `classes`: the possible answers."""
        return list(rows)

    def update(self, seen: Seen) -> NDArray[np.float64] | None:
        """What is sent, float64 [value_count] in units of 2^-24, before it is brought within the bounds of `seen.spec`.
        None: nothing."""
        return seen.trained

    def wanted(self, rows: Sequence[Row], classes: Sequence[str]) -> list[Row]:  # noqa: ARG002
        """Test rows with the answers that the attacker wants; the share that a model gives is the attack's success.
        Empty if the attacker wants no particular answers."""
        return []

"""What there is to hand on: a chapter for each round that was trained, scored or settled."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

LOSS, RATE, SPEED = "train/loss", "train/learning_rate", "train/tokens_per_second"
BEFORE, AFTER = "round/loss_before", "round/loss_after"
GLOBAL_LOSS, GLOBAL_ACCURACY = "round/global_loss", "round/global_accuracy"
PAYOUT, STAKE = "round/payout", "round/stake"
ROUND = "round"  # the axis of all others

OF_STEPS = (LOSS, RATE, SPEED)
OF_ROUNDS = (BEFORE, AFTER, GLOBAL_LOSS, GLOBAL_ACCURACY, PAYOUT, STAKE)


class Kind(StrEnum):
    """What a chapter tells of a round."""

    TRAINED = "trained"
    SCORED = "scored"
    SETTLED = "settled"


@dataclass(frozen=True)
class Point:
    """Values by their names, at one place of the x axis. Losses are in nats for each answer token, money in whole
    tokens.

    `step`: a whole number that grows: for steps of training all steps so far, for rounds the round. `round`: the same
    in rounds; the second of four steps of round 3 is at 2.5. `at`: seconds since 1970.
    """

    step: int
    round: float
    values: Mapping[str, float]
    at: float = 0.0


@dataclass(frozen=True)
class Chapter:
    """All points of one kind that a round gave, in their order."""

    kind: Kind
    round: int
    points: tuple[Point, ...]

    @property
    def key(self) -> str:
        return f"{self.kind}/{self.round}"

    @property
    def digest(self) -> str:
        """Another one where a value is another: the round was trained or scored again. Times do not count."""
        content = [[point.step, point.round, sorted(point.values.items())] for point in self.points]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]

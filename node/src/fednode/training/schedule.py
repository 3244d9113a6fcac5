"""The learning rate of a round, and the seed of its randomness."""

import math
from typing import Protocol

import numpy as np


class Schedule(Protocol):
    """The part of `fedprotocol.spec.Training` that the learning rate follows from."""

    @property
    def rounds(self) -> int: ...
    @property
    def learning_rate(self) -> float: ...
    @property
    def schedule(self) -> str: ...
    @property
    def final_learning_rate_ratio(self) -> float: ...


def learning_rate(training: Schedule, round: int) -> float:
    """The rate of round `round` (from 1), the same for all its steps.

    The cosine falls from `learning_rate` in round 1 towards `final_learning_rate_ratio` of it, which is where round
    `rounds + 1` would be; so no round trains with a rate of zero. Void rounds count, so a federation may need more
    than `rounds`: they keep the last rate. Loshchilov and Hutter 2017, "SGDR", without restarts.
    """
    if training.schedule == "constant":
        return training.learning_rate
    done = (min(round, training.rounds) - 1) / training.rounds
    floor = training.final_learning_rate_ratio
    return training.learning_rate * (floor + (1 - floor) * (1 + math.cos(math.pi * done)) / 2)


def round_seed(seed: int, round: int) -> int:
    """A 31-bit seed that depends on both numbers, so that no two rounds of a node see the same order of rows."""
    return int(np.random.SeedSequence([seed, round]).generate_state(1)[0]) >> 1

"""How long the momentum of FedAvgM lasts, and what its NumPy version refuses. `test_rule_formulas.py` compares it with
the formula."""

from __future__ import annotations

import numpy as np
import pytest
from fedaggregator.rules import RuleError
from fedaggregator.rules.fedavg import FedAvg
from fedaggregator.rules.fedavgm import FedAvgM

pytestmark = pytest.mark.usefixtures("loops")

RULE = FedAvgM()


def test_without_momentum_yet_the_step_is_1_3_times_that_of_fedavg() -> None:
    mantissas = np.array([[100, -100, 0, 1]], np.int8)
    sums = FedAvg().accumulate(None, mantissas, 10, 10)
    [[step], [momentum]] = RULE.finish(sums, np.zeros((2, 1, 4), np.int32), 10, 2**16).tolist()
    assert momentum == [102_400, -102_400, 0, 1_024]
    assert step == [133_120, -133_120, 0, 1_331]


def test_the_same_mean_in_every_round_gives_steps_that_come_near_to_mean_by_0_7() -> None:
    sums = RULE.accumulate(None, np.array([[70]], np.int8), 1, 10)
    prior = np.zeros((2, 1, 1), np.int32)
    for _ in range(30):
        before, prior = prior, RULE.finish(sums, prior, 1, 2**16)
    step = int((prior - before)[0, 0, 0])
    assert step == pytest.approx((70 << 10) / 0.7, rel=1e-4)


@pytest.mark.parametrize(
    ("sums", "prior", "total", "server_lr"),
    [
        (np.zeros((1, 4), np.int64), np.zeros((2, 1, 4), np.int32), 0, 2**16),
        (np.zeros((1, 4), np.int64), np.zeros((2, 1, 4), np.int32), 1, 0),
        (np.zeros((1, 4), np.int64), np.zeros((2, 1, 4), np.int32), 1, 2**17 + 1),
        (np.zeros((1, 4), np.int64), np.zeros((1, 1, 4), np.int32), 1, 2**16),
        (np.zeros((1, 4), np.int64), np.zeros((2, 1, 1), np.int32), 1, 2**16),
        (np.zeros((1, 4), np.int64), np.zeros((2, 1, 4), np.int64), 1, 2**16),
        (np.zeros((1, 4), np.int32), np.zeros((2, 1, 4), np.int32), 1, 2**16),
        (np.full((1, 4), 2**30 + 1, np.int64), np.zeros((2, 1, 4), np.int32), 1, 2**16),
        (np.full((1, 4), -(2**63), np.int64), np.zeros((2, 1, 4), np.int32), 1, 2**16),
    ],
)
def test_finish_refuses(sums: np.ndarray, prior: np.ndarray, total: int, server_lr: int) -> None:
    with pytest.raises(RuleError):
        RULE.finish(sums, prior, total, server_lr)

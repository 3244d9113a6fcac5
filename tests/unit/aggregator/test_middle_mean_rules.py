"""What trimmed mean and median promise: how many bad updates cannot move a value beyond the good ones."""

from __future__ import annotations

import numpy as np
import pytest
from fedaggregator.rules.median import Median
from fedaggregator.rules.middle_mean import MiddleMean
from fedaggregator.rules.trimmed_mean import TrimmedMean
from hypothesis import given, settings
from hypothesis import strategies as st
from support.rule_rounds import Round, drawn

RULES = [TrimmedMean(), Median()]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
@settings(max_examples=60, deadline=None)
@given(clients=st.integers(1, 16), seed=st.integers(0, 2**32))
def test_bad_updates_stay_between_the_good_ones(rule: MiddleMean, clients: int, seed: int) -> None:
    """As many as are left out at one end may say anything at all."""
    rng = np.random.default_rng(seed)
    played = drawn(rng, rule, clients, 32)
    start = Round(played.bits, played.mantissas, played.weights, played.shifts, np.zeros((1, 32), np.int32), 2**16)
    mean = start.finished(rule)[0]
    values = np.left_shift(played.mantissas, np.array(played.shifts)[:, np.newaxis], dtype=np.int64)
    good = values[rng.permutation(clients)[rule.trim(clients) :]]
    assert (good.min(axis=0) <= mean).all() and (mean <= good.max(axis=0)).all()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_one_more_bad_update_can_move_a_value_anywhere(rule: MiddleMean) -> None:
    for clients in range(1, 17):
        for bad in range(clients + 1):
            mantissas = np.zeros((clients, 32), np.int8)
            mantissas[:bad] = 127
            played = Round(8, mantissas, [1] * clients, [0] * clients, np.zeros((1, 32), np.int32), 2**16)
            moved = played.finished(rule)[0, 0] > 0
            assert moved == (bad > rule.trim(clients)), (clients, bad)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_weights_do_not_count(rule: MiddleMean) -> None:
    rng = np.random.default_rng(1)
    played = drawn(rng, rule, 7, 64)
    other = Round(played.bits, played.mantissas, [1] * 7, played.shifts, played.prior, played.server_lr)
    assert (played.finished(rule) == other.finished(rule)).all()


@pytest.mark.parametrize(
    ("rule", "trims"),
    [(RULES[0], [0, 0, 0, 1, 1, 1, 1, 2, 2]), (RULES[1], [0, 0, 1, 1, 2, 2, 3, 3, 4])],
    ids=["trimmed-mean", "median"],
)
def test_how_many_are_left_out_at_each_end(rule: MiddleMean, trims: list[int]) -> None:
    assert [rule.trim(count) for count in range(1, 10)] == trims

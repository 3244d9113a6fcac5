"""How well somebody guesses: figures that can be computed in another way, or looked up."""

from __future__ import annotations

import math

import numpy as np
import pytest
from fedlab.experiment.privacy.guessing import Area, area, best_area, found_at, interval, together


def test_the_area_is_the_share_of_pairs_in_the_right_order() -> None:
    members, others = np.array([3.0, 1.0, 2.0]), np.array([2.0, 0.0])
    assert area(members, others).value == pytest.approx((2 + 1 + 1.5) / 6)
    assert area(others, members).value == pytest.approx(1 - 4.5 / 6)
    assert area(np.array([2.0, 3.0]), np.array([0.0, 1.0])) == Area(1.0, 0.0)


def test_the_standard_error_is_the_deviation_of_areas_of_many_samples() -> None:
    rng = np.random.default_rng(1)
    found = [area(rng.normal(0.5, 1, 60), rng.normal(0, 2, 40)) for _ in range(3000)]
    assert np.mean([one.error for one in found]) == pytest.approx(np.std([one.value for one in found]), rel=0.04)


def test_who_is_found_where_few_others_are_taken_for_members() -> None:
    others = np.arange(200.0)
    assert found_at(0.01, np.array([196.5, 197.5, 198.0, 500.0]), others) == 0.75
    assert found_at(0.0, np.array([199.0, 200.0]), others) == 0.5
    assert found_at(0.01, np.zeros(5), np.zeros(200)) == 0, "nobody can be told from anybody"


def test_no_area_is_above_that_of_the_curve_which_the_two_bounds_leave() -> None:
    rates = np.linspace(0, 1, 200_001)
    for epsilon, delta in ((0.5, 0.0), (2.0, 1e-3), (4.0, 0.1)):
        upper = np.minimum(
            1, np.minimum(math.exp(epsilon) * rates + delta, 1 - math.exp(-epsilon) * (1 - delta - rates))
        )
        assert best_area(epsilon, delta) == pytest.approx(np.trapezoid(upper, rates), abs=1e-4)
    assert best_area(0, 0) == pytest.approx(0.5)


def test_areas_of_several_models_are_surer_together() -> None:
    assert together([Area(0.5, 0.03), Area(0.7, 0.04)]) == Area(pytest.approx(0.6), pytest.approx(0.025))


@pytest.mark.parametrize(
    ("right", "tries", "low", "high"),
    [(0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (15, 50, 0.1910, 0.4375)],  # Brown et al. 2001, by Wilson's formula
)
def test_an_interval_is_wilsons(right: int, tries: int, low: float, high: float) -> None:
    assert interval(right, tries) == (pytest.approx(low, abs=1e-3), pytest.approx(high, abs=1e-3))

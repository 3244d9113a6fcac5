"""What withheld blocks are worth: the formula, and every way to play."""

from __future__ import annotations

import random

import pytest
from fedlab.cohorts.randao import best_of, best_play, most_gain, with_withholding

WIN, BITS = frozenset({5}), 3
CHANCE = len(WIN) / 2**BITS


def by_time(slots: str) -> float:
    return best_play(slots, WIN, BITS, "time")


def by_number(slots: str, blocks: int) -> float:
    return best_play(slots, WIN, BITS, "number", blocks)


def test_only_the_last_slots_count() -> None:
    """Blocks left out before an honest one gain nothing, because its number is not known yet."""
    assert by_time("H") == by_time("AAH") == by_time("AHAH") == CHANCE
    assert by_time("HA") == by_time("AHA") == by_time("AAHA") == best_of(CHANCE, 2)
    assert by_time("HAA") == by_time("AHAA")
    assert best_of(CHANCE, 2) < by_time("HAA") <= 4 * CHANCE


def test_a_target_by_block_number_can_be_moved_onto_slots_of_ones_own() -> None:
    """The third block falls on a run of two: whoever leaves the first one out makes it the end of that run."""
    assert by_number("AHAAH", 3) > by_time("AHA") == by_number("HAH", 2)
    assert by_number("AHHAAH", 3) > CHANCE == by_time("AHH")


def test_no_chance_becomes_greater_than_the_sum_allows() -> None:
    for share in (0.05, 0.1, 0.2, 0.3, 0.4):
        for chance in (0.2, 1e-3, 1e-12):
            found = with_withholding(chance, share)
            assert chance < found <= most_gain(share) * chance * (1 + 1e-9)
    assert most_gain(0) == 1 and most_gain(0.2) == pytest.approx(4 / 3)
    assert with_withholding(1e-12, 0.2) == pytest.approx(most_gain(0.2) * 1e-12, rel=1e-6)
    assert with_withholding(0.3, 0.0) == pytest.approx(0.3)


def test_half_of_all_blocks_have_no_bound_but_a_rare_cohort_stays_rare() -> None:
    with pytest.raises(ValueError, match="no bound"):
        most_gain(0.5)
    assert 1e-9 < with_withholding(1e-9, 0.5) < 30e-9
    assert with_withholding(1.0, 0.9) == 1.0


def test_seeds_that_are_chosen_suit_as_often_as_computed() -> None:
    rng, draws, chance, share = random.Random(1), 40_000, 0.02, 0.4
    suited = 0
    for _ in range(draws):
        slots = 0
        while rng.random() < share:
            slots += 1
        suited += any(rng.random() < chance for _ in range(2**slots))
    expected = with_withholding(chance, share)
    assert abs(suited - draws * expected) < 4 * (draws * expected) ** 0.5

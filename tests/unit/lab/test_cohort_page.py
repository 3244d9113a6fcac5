"""The figures of docs/cohorts.md are what the functions give."""

from __future__ import annotations

from fractions import Fraction

import pytest
from fedlab.cohorts.federation import LOOK_AHEAD
from fedlab.cohorts.hat import cohort
from fedlab.cohorts.tables import tables, words
from fedlab.experiment.rules.page import filled
from support.documents import ROOT

PAGE = (ROOT / "docs" / "cohorts.md").read_text()


def test_the_tables_are_those_that_are_computed() -> None:
    """If not: python -m fedlab.cohorts docs/cohorts.md."""
    assert filled(PAGE, tables()) == PAGE


def test_the_look_ahead_is_the_one_of_the_page() -> None:
    minutes, seconds = divmod(LOOK_AHEAD, 60)
    assert f"({minutes} minutes {seconds} seconds)" in PAGE


@pytest.mark.parametrize(
    ("chance", "said"),
    [
        (Fraction(1, 3), "33 %"),
        (Fraction(1, 200), "0.5 %"),
        (Fraction(1, 912), "1 in 910"),
        (Fraction(1, 10**6), "1 in 1,000,000"),
        (Fraction(1, 10**6 + 1), "1 in 10^6"),
        (Fraction(2, 10**30), "1 in 10^29"),
    ],
)
def test_a_chance_is_said_as_people_read_it(chance: Fraction, said: str) -> None:
    assert words(chance) == said


def test_whoever_has_seats_side_by_side_gains_nothing_by_it() -> None:
    """A window over the list would take all of them at once."""
    neighbours = set(range(100, 132))
    drawn = [len(neighbours & set(cohort(number.to_bytes(32, "big"), 32, 320))) for number in range(200)]
    assert 2 < sum(drawn) / len(drawn) < 4.5 and max(drawn) < 14

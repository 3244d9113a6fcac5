"""How likely a minority has the say, against scipy and against what others have computed."""

from __future__ import annotations

import random
from fractions import Fraction

import pytest
from eth_utils.crypto import keccak
from fedlab.cohorts.hat import cohort
from fedlab.cohorts.odds import at_least, at_least_of_many, blocked, least_cohort, to_block, to_decide, to_outvote
from scipy.stats import binom, hypergeom

THIRD = Fraction(1, 3)


@pytest.mark.parametrize("attesters", [1, 2, 3, 4, 5, 16, 85, 254, 255, 256])
def test_the_thresholds_are_those_of_the_coordinator(attesters: int) -> None:
    """An update counts with two thirds of the weight behind it (`Round.accepted`)."""
    block, outvote, decide = to_block(attesters), to_outvote(attesters), to_decide(attesters)
    assert 3 * (attesters - block) < 2 * attesters <= 3 * (attesters - block + 1)
    assert 2 * outvote > attesters >= 2 * (outvote - 1)
    assert 3 * decide >= 2 * attesters > 3 * (decide - 1)


@pytest.mark.parametrize("seats", [300, 10_000])
@pytest.mark.parametrize("share", [0.1, 0.25, 1 / 3, 0.45])
@pytest.mark.parametrize("drawn", [16, 128, 256])
def test_the_odds_are_those_of_the_hypergeometric_distribution(seats: int, share: float, drawn: int) -> None:
    bad = round(seats * share)
    for needed in (to_block(drawn), to_outvote(drawn), to_decide(drawn)):
        ours = float(at_least(needed, drawn, bad, seats))
        assert ours == pytest.approx(hypergeom.sf(needed - 1, seats, bad, drawn), rel=1e-6, abs=1e-280)
    many = float(at_least_of_many(to_outvote(drawn), drawn, Fraction(bad, seats)))
    assert many == pytest.approx(binom.sf(to_outvote(drawn) - 1, drawn, bad / seats), rel=1e-6)


def test_cohorts_that_are_drawn_are_lost_as_often_as_computed() -> None:
    draws, seats, size, bad = 1_500, 60, 12, 24
    lost = sum(
        sum(seat < bad for seat in cohort(keccak(number.to_bytes(4, "big")), size, seats)) >= to_outvote(size)
        for number in range(draws)
    )
    chance = float(at_least(to_outvote(size), size, bad, seats))
    assert abs(lost - draws * chance) < 4 * (draws * chance * (1 - chance)) ** 0.5


def test_the_committee_of_ethereum_comes_out() -> None:
    """111 is the least multiple of three from which a third of all decides less often than once in 2^40; Ethereum
    rounds it up to 128 (`TARGET_COMMITTEE_SIZE`)."""
    rare = Fraction(1, 2**40)
    assert at_least_of_many(to_decide(108), 108, THIRD) > rare > at_least_of_many(to_decide(111), 111, THIRD)
    assert least_cohort(THIRD, rare) == 109
    assert all(at_least_of_many(to_decide(size), size, THIRD) <= rare for size in range(109, 130))


def test_whoever_stays_away_makes_a_minority_stronger() -> None:
    assert blocked(64, 200, 1000, Fraction(1)) == at_least(to_block(64), 64, 200, 1000)
    rng, draws, seats, drawn, bad, attendance = random.Random(3), 4_000, 50, 12, 10, 0.7
    void = 0
    for _ in range(draws):
        among = sum(seat < bad for seat in rng.sample(range(seats), drawn))
        void += 3 * among > among + sum(rng.random() < attendance for _ in range(drawn - among))
    chance = float(blocked(drawn, bad, seats, Fraction(7, 10)))
    assert abs(void - draws * chance) < 4 * (draws * chance * (1 - chance)) ** 0.5
    assert chance > 3 * float(at_least(to_block(drawn), drawn, bad, seats))


def test_two_accounts_have_twice_the_seats_of_one_and_no_more() -> None:
    """The expected number of seats drawn is linear in the seats paid for."""
    seats, drawn = 500, 64
    for owned in (1, 2, 10, 100):
        expected = sum(at_least(k, drawn, owned, seats) for k in range(1, min(owned, drawn) + 1))
        assert expected == owned * Fraction(drawn, seats)

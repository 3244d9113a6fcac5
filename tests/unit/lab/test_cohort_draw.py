"""Who is drawn: every cohort is as likely as any other, no seat twice, and a place is found without the list."""

from __future__ import annotations

from collections import Counter
from itertools import permutations, product

import pytest
from eth_utils.crypto import keccak
from fedlab.cohorts import hat
from fedlab.cohorts.hat import cohort, seat_at, seed_of
from fedlab.cohorts.seats import Hat
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2


@settings(max_examples=25, deadline=None)
@given(seed=st.binary(min_size=32, max_size=32), size=st.integers(1, 40), seats=st.integers(1, 60))
def test_nobody_has_two_places_and_a_place_is_found_without_the_list(seed: bytes, size: int, seats: int) -> None:
    drawn = cohort(seed, size, seats)
    assert len(set(drawn)) == len(drawn) == min(size, seats)
    assert set(drawn) <= set(range(seats))
    assert [seat_at(seed, place, seats) for place in range(len(drawn))] == drawn


def test_a_cohort_of_256_out_of_a_million() -> None:
    drawn = cohort(b"\7" * 32, 256, 10**6)
    assert len(set(drawn)) == 256
    assert [seat_at(b"\7" * 32, place, 10**6) for place in (0, 100, 255)] == [drawn[i] for i in (0, 100, 255)]


def test_every_choice_of_the_picks_gives_another_cohort(monkeypatch: pytest.MonkeyPatch) -> None:
    """There are as many ways to pick as ordered cohorts, so even picks make an even draw: no cohort is likelier."""
    found = []
    for picks in product(range(5), range(1, 5), range(2, 5)):
        monkeypatch.setattr(hat, "pick", lambda _seed, place, _seats, picks=picks: picks[place])
        found.append(tuple(cohort(b"", 3, 5)))
        assert [seat_at(b"", place, 5) for place in range(3)] == list(found[-1])
    assert sorted(found) == sorted(permutations(range(5), 3))


def test_seats_and_pairs_of_seats_are_drawn_equally_often() -> None:
    draws, seats, size = 3_000, 12, 4
    single: Counter[int] = Counter()
    pairs: Counter[frozenset[int]] = Counter()
    for number in range(draws):
        drawn = sorted(cohort(keccak(number.to_bytes(4, "big")), size, seats))
        single.update(drawn)
        pairs.update(frozenset((a, b)) for a in drawn for b in drawn if a < b)
    expected = draws * size / seats
    spread = expected * (1 - size / seats) * seats / (seats - 1)
    assert sum((single[i] - expected) ** 2 for i in range(seats)) / spread < chi2.isf(1e-4, seats - 1)
    each = draws * size * (size - 1) / (seats * (seats - 1))
    assert len(pairs) == seats * (seats - 1) // 2
    assert all(abs(count - each) < 5 * each**0.5 for count in pairs.values())


def test_each_federation_and_round_has_a_seed_of_its_own() -> None:
    mix, here = b"\1" * 32, "0x" + "a" * 40
    seeds = {seed_of(1, here, 1, mix), seed_of(2, here, 1, mix), seed_of(1, "0x" + "b" * 40, 1, mix)}
    assert len(seeds | {seed_of(1, here, 2, mix), seed_of(1, here, 1, b"\2" * 32)}) == 5


def test_a_place_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match="no place 3 among 3 seats"):
        seat_at(b"\1" * 32, 3, 3)


def test_the_hat_has_no_gaps_and_a_moved_seat_counts_from_the_next_round() -> None:
    seats = Hat()
    for account in "abcd":
        seats.add(account, 1)
    seats.remove("b", 7)
    assert seats.accounts == ["a", "d", "c"] and "b" not in seats and len(seats) == 3
    assert seats.has(1, "d", 7) and not seats.has(1, "d", 6), "in round 6 it was another's"
    assert not seats.has(3, "d", 8) and seats.has(2, "c", 1)
    seats.remove("c", 8)
    assert seats.accounts == ["a", "d"]

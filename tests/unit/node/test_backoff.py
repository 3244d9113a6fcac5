"""How long the node leaves alone what it could not do, or not to its end."""

from __future__ import annotations

import pytest
from fednode.daemon.actions import CheckInputs, Settle
from fedprotocol.program.backoff import Rests, Setback

CHECK = CheckInputs(1, b"inputs")
OTHER = CheckInputs(1, b"more inputs")


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def rests(clock: Clock) -> Rests:
    return Rests(clock, first=2.0, longest=60.0)


def rested(rests: Rests, clock: Clock, action: CheckInputs | Settle) -> float:
    """Seconds until it may be tried again, to a tenth."""
    start = clock.now
    while action in rests.resting():
        clock.now += 0.125
    return clock.now - start


def test_absent_content_is_asked_for_less_and_less(rests: Rests, clock: Clock) -> None:
    lengths = []
    for _ in range(6):
        rests.postpone(CHECK, longest=20.0)
        lengths.append(rested(rests, clock, CHECK))
    assert lengths == [2, 4, 8, 16, 20, 20]
    assert not rests.failing()
    rests.postpone(OTHER, longest=20.0)  # one more was revealed
    assert rested(rests, clock, OTHER) == 2


def test_failures_rest_longer_each_time_and_are_named(rests: Rests, clock: Clock) -> None:
    lengths = []
    for _ in range(7):
        rests.rest(Settle(), Setback("refused"))
        assert rests.failing() == {Settle(): Setback("refused")}
        lengths.append(rested(rests, clock, Settle()))
    assert lengths == [2, 4, 8, 16, 32, 60, 60]
    rests.rest(Settle(), Setback("not yet", too_early=True))
    assert rested(rests, clock, Settle()) == 2
    rests.succeeded(Settle())
    assert not rests.resting()


def test_what_was_given_up_rests_until_the_program_ends(rests: Rests, clock: Clock) -> None:
    rests.give_up(Settle(), Setback("the same again would fail too", for_good=True))
    clock.now = 1e12
    assert rests.resting() == {Settle()}
    assert rests.failing()[Settle()].for_good


def test_what_ended_long_ago_is_forgotten(rests: Rests, clock: Clock) -> None:
    for number in range(100):
        rests.postpone(CheckInputs(number, b""), longest=20.0)
    clock.now += 200
    assert not rests.resting()
    assert len(vars(rests)["_until"]) == 0

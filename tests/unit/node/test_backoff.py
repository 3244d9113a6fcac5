"""How long the node leaves alone what it could not do, or not to its end."""

from __future__ import annotations

import pytest
from fednode.daemon.actions.registry import CheckInputs, Settle
from fedprotocol.program.backoff import Backoff, Setback
from support.hand_clock import Clock

CHECK = CheckInputs(1, b"inputs")
OTHER = CheckInputs(1, b"more inputs")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def backoff(clock: Clock) -> Backoff:
    return Backoff(clock, first=2.0, longest=60.0)


def pause_of(backoff: Backoff, clock: Clock, action: CheckInputs | Settle) -> float:
    """Seconds until it may be tried again, to a tenth."""
    start = clock.now
    while action in backoff.paused():
        clock.now += 0.125
    return clock.now - start


def test_absent_content_is_asked_for_less_and_less(backoff: Backoff, clock: Clock) -> None:
    lengths = []
    for _ in range(6):
        backoff.postpone(CHECK, longest=20.0)
        lengths.append(pause_of(backoff, clock, CHECK))
    assert lengths == [2, 4, 8, 16, 20, 20]
    assert not backoff.failing()
    backoff.postpone(OTHER, longest=20.0)  # one more was revealed
    assert pause_of(backoff, clock, OTHER) == 2


def test_pauses_after_failures_get_longer_each_time_and_are_named(backoff: Backoff, clock: Clock) -> None:
    lengths = []
    for _ in range(7):
        backoff.retry_later(Settle(), Setback("refused"))
        assert backoff.failing() == {Settle(): Setback("refused")}
        lengths.append(pause_of(backoff, clock, Settle()))
    assert lengths == [2, 4, 8, 16, 32, 60, 60]
    backoff.retry_later(Settle(), Setback("not yet", too_early=True))
    assert pause_of(backoff, clock, Settle()) == 2
    backoff.succeeded(Settle())
    assert not backoff.paused()


def test_what_was_given_up_waits_until_the_program_ends(backoff: Backoff, clock: Clock) -> None:
    backoff.give_up(Settle(), Setback("the same again would fail too", for_good=True))
    clock.now = 1e12
    assert backoff.paused() == {Settle()}
    assert backoff.failing()[Settle()].for_good


def test_what_ended_long_ago_is_forgotten(backoff: Backoff, clock: Clock) -> None:
    for number in range(100):
        backoff.postpone(CheckInputs(number, b""), longest=20.0)
    clock.now += 200
    assert not backoff.paused()
    assert len(vars(backoff)["_until"]) == 0

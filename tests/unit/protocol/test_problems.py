"""A problem has its time, one cause is one line, and what is over is not shown."""

from __future__ import annotations

import pytest
from fedprotocol.monitor.problems import FLAPPING, FORGOTTEN, MOST_SHOWN, Problems
from support.hand_clock import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def problems(clock: Clock) -> Problems:
    return Problems(clock)


def test_one_cause_is_one_line(problems: Problems, clock: Clock) -> None:
    assert problems.meet("fetch", "no Kubo answers", "fetching the global of round 2")
    clock.now += 5
    assert not problems.meet("check", "no Kubo answers", "checking the updates of round 3"), "it is known"
    clock.now += 5
    assert not problems.meet("fetch", "no Kubo answers", "fetching the global of round 2")
    [shown] = problems.shown()
    assert shown.text == "checking the updates of round 3, fetching the global of round 2: no Kubo answers"
    assert (shown.since, shown.latest) == (1000.0, 1010.0)
    assert len(problems) == 1
    assert problems.meet("fetch", "the disk is full", "fetching the global of round 2"), "another cause"
    assert len(problems) == 2


def test_a_problem_ends_when_it_ends(problems: Problems, clock: Clock) -> None:
    problems.meet("chain", "no RPC endpoint answers")
    clock.now += 200
    problems.look({"chain"}, ())
    assert problems.shown(), "it lasts"
    assert problems.over("chain") == "3 min"
    assert problems.shown() == () and problems.over("chain") == ""


def test_what_comes_and_goes_is_told_once(problems: Problems, clock: Clock) -> None:
    assert problems.meet("chain", "no RPC endpoint answers")
    clock.now += 2
    assert problems.over("chain") == "", "a moment"
    clock.now += 2
    assert not problems.meet("chain", "no RPC endpoint answers"), "a moment ago"
    clock.now += 2
    problems.over("chain")
    clock.now += FLAPPING
    assert problems.meet("chain", "no RPC endpoint answers")


def test_what_nobody_tries_any_more_is_forgotten(problems: Problems, clock: Clock) -> None:
    problems.meet("train", "a loss is nan")
    problems.meet("attest", "nobody serves update 2", round_number=7)
    clock.now += FORGOTTEN + 1
    problems.look((), {7})
    assert [problem.text for problem in problems.shown()] == ["nobody serves update 2"], "its round is open"
    problems.look((), {8})
    assert problems.shown() == ()


def test_only_so_many_are_shown(problems: Problems) -> None:
    for number in range(2 * MOST_SHOWN):
        problems.meet(number, f"cause {number}")
    shown = problems.shown()
    assert len(shown) == MOST_SHOWN and shown[-1].text == f"cause {2 * MOST_SHOWN - 1}"
    assert len(problems) == 2 * MOST_SHOWN

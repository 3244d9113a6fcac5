"""Drives a pure `decide` through simulated time, while actions of one kind fail, or never end, for ever."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Generic, TypeVar

from fedprotocol.program.background import LANE_SECONDS
from fedprotocol.program.backoff import Backoff, Setback

A = TypeVar("A", bound=Hashable)

POLL = 2.0


class Trouble(Enum):
    """What befalls every action of the kind."""

    FAILS = auto()
    HANGS = auto()  # in the background, and also when it is told to stop


@dataclass
class Course(Generic[A]):
    """What runs and what is left alone for a while, as a loop keeps it. `now`: monotonic seconds."""

    now: float = 0.0
    running: dict[A, float] = field(default_factory=dict)  # since when
    stopped: set[A] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.backoff: Backoff[A] = Backoff(lambda: self.now, POLL)

    def overdue(self) -> frozenset[A]:
        return frozenset(work for work, since in self.running.items() if self.now - since > LANE_SECONDS)

    def failed(self, action: A, left: float) -> None:
        self.backoff.retry_later(action, Setback("it fails for ever"), left)


def drive(
    course: Course[A],
    seconds: float,
    decide: Callable[[], A],
    perform: Callable[[A], None],
    is_wait: Callable[[A], bool],
    is_reached: Callable[[], bool],
) -> None:
    """Until `is_reached`, at most `seconds`: what `decide` names is performed at once, and a wait takes a poll.

    Raises AssertionError if it is not reached by then, or if decisions follow one another without end.
    """
    end, at_once = course.now + seconds, 0
    while not is_reached():
        action = decide()
        if is_wait(action):
            course.now += POLL
            at_once = 0
            assert course.now < end, f"after {seconds:g} s there is still nothing but: {action}"
        else:
            at_once += 1
            assert at_once < 5000, f"the loop never waits: {action}"
            perform(action)

"""An account's stays in the federation, from the coordinator's log."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from fedprotocol.chain.read.events import Event


class Standing(StrEnum):
    """What an account's seat is now."""

    NONE = "no seat"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    LEFT = "has left"
    DROPPED = "was dropped"
    WITHDRAWN = "has left and withdrawn its stake"


@dataclass(frozen=True, slots=True)
class Stay:
    """The time from taking a seat to withdrawing the stake. `spans` are the rounds in which the client may commit:
    those with first <= n < end, and with no end where it is None. It was suspended between two spans."""

    joined: Event
    spans: tuple[tuple[int, int | None], ...]
    last_commit: int = 0  # round; 0 for none
    suspended: Event | None = None  # while it is
    left: Event | None = None  # an Exited or Dropped
    withdrawn: Event | None = None

    def active_in(self, round_number: int) -> bool:
        return any(first <= round_number and (end is None or round_number < end) for first, end in self.spans)

    @property
    def standing(self) -> Standing:
        if self.withdrawn is not None:
            return Standing.WITHDRAWN
        if self.left is not None:
            return Standing.LEFT if self.left.name == "Exited" else Standing.DROPPED
        return Standing.ACTIVE if self.suspended is None else Standing.SUSPENDED


def stays(client: str, events: Iterable[Event]) -> tuple[Stay, ...]:
    """All stays of `client`, in order. `events`: the log, or those that name it."""
    found: list[Stay] = []
    commits: list[int] = []  # the last one of each stay
    for event in events:
        if event.args.get("client") != client:
            continue
        if event.name == "Committed":
            commits[-1] = event.args["round"]
        elif event.name == "Joined":
            found.append(Stay(event, ((event.args["active_from"], None),)))
            commits.append(0)
        elif change := _CHANGES.get(event.name):
            found[-1] = change(found[-1], event)
    return tuple(replace(stay, last_commit=number) for stay, number in zip(found, commits, strict=True))


def standing(stays: tuple[Stay, ...]) -> Standing:
    """What the seat is now."""
    return stays[-1].standing if stays else Standing.NONE


def _suspended(stay: Stay, event: Event) -> Stay:
    return replace(stay, spans=_ended(stay, event), suspended=event)


def _reactivated(stay: Stay, event: Event) -> Stay:
    """The activity goes on unbroken if the client missed no round."""
    earlier = tuple(span for span in stay.spans if span[0] != event.args["active_from"])
    return replace(stay, spans=(*earlier, (event.args["active_from"], None)), suspended=None)


def _left(stay: Stay, event: Event) -> Stay:
    return replace(stay, spans=_ended(stay, event), left=event)


def _withdrawn(stay: Stay, event: Event) -> Stay:
    return replace(stay, withdrawn=event)


def _ended(stay: Stay, event: Event) -> tuple[tuple[int, int | None], ...]:
    *earlier, (first, _) = stay.spans
    return (*earlier, (first, event.args["active_until"]))


_CHANGES: dict[str, Callable[[Stay, Event], Stay]] = {
    "Suspended": _suspended,
    "Reactivated": _reactivated,
    "Exited": _left,
    "Dropped": _left,
    "Withdrawn": _withdrawn,
}

"""Which events a visitor wants to see."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from fedprotocol.chain.read.events import Event

from fedexplorer.history.log import Log, accounts_of

Test = Callable[[Event], bool]


@dataclass(frozen=True, slots=True)
class Filter:
    """What events must have; None: anything. Bounds of times (seconds) and blocks are included. Events behind the
    first `length` of the log are left out, so that pages do not move while new ones come."""

    name: str | None = None
    round: int | None = None
    account: str | None = None  # checksummed, in any argument
    since: int | None = None
    until: int | None = None
    from_block: int | None = None
    to_block: int | None = None
    length: int | None = None


def select(log: Log, wanted: Filter) -> Sequence[Event]:
    """The events of the log that pass the filter, the newest first."""
    first = 0 if wanted.from_block is None else bisect_left(log, wanted.from_block, key=_block)
    behind = len(log) if wanted.to_block is None else bisect_right(log, wanted.to_block, key=_block)
    behind = behind if wanted.length is None else min(behind, wanted.length)
    shortest = min(_lists(log, wanted), key=len, default=None)
    tests = _tests(wanted)
    if shortest is None or len(shortest) > behind - first:
        candidates = log[first:behind]
    else:
        candidates = shortest
        tests += _place_tests(log, wanted)
    if not tests:
        return candidates[::-1]
    return [event for event in reversed(candidates) if all(test(event) for test in tests)]


def _lists(log: Log, wanted: Filter) -> Iterator[Sequence[Event]]:
    """Lists of which each has all events that pass. One of them is short if the filter is narrow."""
    if wanted.round is not None:
        yield log.of_round(wanted.round)
    if wanted.account is not None:
        yield log.of_account(wanted.account)
    if wanted.name is not None:
        yield log.named(wanted.name)
    if wanted.since is not None or wanted.until is not None:
        yield log.between(wanted.since or 0, float("inf") if wanted.until is None else wanted.until)


def _tests(wanted: Filter) -> list[Test]:
    """What an event must be like."""
    w = wanted
    tests: list[tuple[object, Test]] = [
        (w.name, lambda e: e.name == w.name),
        (w.round, lambda e: e.args.get("round") == w.round),
        (w.since, lambda e: w.since is None or e.time >= w.since),
        (w.until, lambda e: w.until is None or e.time <= w.until),
        (w.account, lambda e: w.account in accounts_of(e)),
    ]
    return [test for value, test in tests if value is not None]


def _place_tests(log: Log, wanted: Filter) -> list[Test]:
    """Where an event must stand."""
    w = wanted
    tests: list[tuple[object, Test]] = [
        (w.from_block, lambda e: w.from_block is None or e.block >= w.from_block),
        (w.to_block, lambda e: w.to_block is None or e.block <= w.to_block),
    ]
    needed = [test for value, test in tests if value is not None]
    if w.length is not None and w.length < len(log):
        behind = _place(log[w.length])
        needed.append(lambda e: _place(e) < behind)
    return needed


def _block(event: Event) -> int:
    return event.block


def _place(event: Event) -> tuple[int, int]:
    return event.block, event.log_index

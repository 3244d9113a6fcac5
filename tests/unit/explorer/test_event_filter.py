"""Filters of events: what they let through, and how long that takes in a large federation."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable
from functools import cache

import pytest
from fedexplorer.history.log import Log
from fedexplorer.views.event_filter import Filter, select
from fedexplorer.views.events import NAMES, build
from fedexplorer.views.site import Site
from fedprotocol.chain.read.events import Event

ACCOUNTS = tuple(f"0x{number:040x}" for number in range(1, 33))
KINDS = ("Committed", "Revealed", "Attested")
Record = Callable[[str, object], None]


@cache
def log(rounds: int) -> Log:
    """Rounds of 32 clients, each of which commits, reveals and attests; a block holds four events."""
    events = []
    for number in range(1, rounds + 1):
        for name in KINDS:
            for account in ACCOUNTS:
                at = len(events)
                args = {"round": number, "client": account, "root": bytes([number % 256]) * 32}
                tx = at.to_bytes(32)
                events.append(Event(name, args, at // 4, bytes(32), tx, at % 4, 1_700_000_000 + at // 4 * 12))
        joined = len(events)
        events.append(
            Event("Funded", {"from": ACCOUNTS[0], "amount": 1}, joined // 4, bytes(32), bytes(32), joined % 4, 0)
        )
    return Log().extended(sorted(_timed(events), key=lambda e: (e.block, e.log_index)))


def _timed(events: list[Event]) -> list[Event]:
    return [
        Event(e.name, e.args, e.block, e.block_hash, e.tx_hash, e.log_index, 1_700_000_000 + e.block * 12)
        for e in events
    ]


def naive(wanted: Filter, events: Log) -> list[Event]:
    """The same by going through all of them."""

    def passes(position: int, e: Event) -> bool:
        return (
            (wanted.name is None or e.name == wanted.name)
            and (wanted.round is None or e.args.get("round") == wanted.round)
            and (wanted.account is None or wanted.account in e.args.values())
            and (wanted.since is None or e.time >= wanted.since)
            and (wanted.until is None or e.time <= wanted.until)
            and (wanted.from_block is None or e.block >= wanted.from_block)
            and (wanted.to_block is None or e.block <= wanted.to_block)
            and (wanted.length is None or position < wanted.length)
        )

    return [e for position, e in enumerate(events) if passes(position, e)][::-1]


def test_filters_let_through_what_going_through_all_finds() -> None:
    events, dice, found = log(20), random.Random(3), 0

    def maybe(value: object) -> object:
        return value if dice.random() < 0.4 else None

    for _ in range(300):
        block, at = dice.randrange(500), 1_700_000_000 + dice.randrange(6_000)
        wanted = Filter(
            name=maybe(dice.choice((*KINDS, "Funded"))),  # type: ignore[arg-type]
            round=maybe(dice.randint(0, 21)),  # type: ignore[arg-type]
            account=maybe(dice.choice(ACCOUNTS)),  # type: ignore[arg-type]
            since=maybe(at),  # type: ignore[arg-type]
            until=maybe(at + dice.randrange(2_000)),  # type: ignore[arg-type]
            from_block=maybe(block),  # type: ignore[arg-type]
            to_block=maybe(block + dice.randrange(100)),  # type: ignore[arg-type]
            length=maybe(dice.randrange(len(events) + 50)),  # type: ignore[arg-type]
        )
        chosen = list(select(events, wanted))
        assert chosen == naive(wanted, events), wanted
        found += len(chosen)
    assert found > 10_000


def test_pages_do_not_move_while_new_events_come() -> None:
    before, after = log(3), log(3).extended([Event("Closed", {}, 10**6, bytes(32), bytes(32), 0, 1_800_000_000)])
    first = build(_site(before), shown=10)
    assert first.length == len(before)
    moved = build(_site(after), first=10, shown=10)
    held = build(_site(after), first=10, shown=10, length=first.length)
    assert held.rows == build(_site(before), first=10, shown=10).rows != moved.rows
    assert (held.count, moved.count) == (len(before), len(before) + 1)


@pytest.mark.parametrize(
    "filters",
    [
        {},
        {"first": 90_000},
        {"name": "Revealed"},
        {"round": 500},
        {"account": ACCOUNTS[4]},
        {"name": "Attested", "account": ACCOUNTS[4], "since": 1_700_100_000},
        {"from_block": 100, "to_block": 20_000, "length": 90_000},
    ],
    ids=str,
)
def test_a_page_of_a_hundred_thousand_events_takes_no_time(filters: dict[str, object], record_property: Record) -> None:
    """The processor's time counts: others may keep this machine busy."""
    site, taken = _site(log(1_032)), []
    assert len(site.state.log) > 100_000
    for _ in range(5):
        begin = time.process_time()
        page = build(site, **filters)  # type: ignore[arg-type]
        taken.append(time.process_time() - begin)
    assert page.rows
    record_property(f"events page {filters or 'without filter'}: ms", round(1000 * statistics.median(taken)))
    assert statistics.median(taken) < 0.1


def test_every_event_has_a_name_to_filter_by() -> None:
    assert set(KINDS) < set(NAMES) and len(NAMES) == len(set(NAMES)) > 15


class _State:
    """As much of a state as the page of events asks for."""

    def __init__(self, events: Log) -> None:
        self.log = events


def _site(events: Log) -> Site:
    return Site(_State(events))  # type: ignore[arg-type]

"""The log in memory: what it finds is what looking at every event would find, and a log that is held never changes."""

from __future__ import annotations

import random
import threading
from dataclasses import replace

import pytest
from fedexplorer.history.log import LONG, Log, accounts_of
from fedprotocol.chain.read.events import Event
from support.model_histories import Played


@pytest.fixture(scope="module")
def events() -> list[Event]:
    played = Played(2)
    while len(played.log) < 300:
        played.step()
    return played.log


def test_it_finds_what_looking_at_every_event_finds(events: list[Event]) -> None:
    log, dice = Log(), random.Random(1)
    while len(log) < len(events):
        log = log.extended(events[len(log) : len(log) + dice.randrange(40)])
        short = [_short(event) for event in events[: len(log)]]
        assert list(log) == short
        for number in range(8):
            found = [event for event in short if event.args.get("round") == number]
            assert list(log.of_round(number)) == found
            assert log.end_of_round(number) == (len(found), found[-1] if found else None)
        for name in ("Committed", "ProposalPaged", "NoEvent"):
            assert list(log.named(name)) == [event for event in short if event.name == name]
        for account in log.accounts():
            assert list(log.of_account(account)) == [event for event in short if account in accounts_of(event)]
        one = short[dice.randrange(len(short))] if short else None
        if one is not None:
            assert list(log.of_transaction(one.tx_hash)) == [e for e in short if e.tx_hash == one.tx_hash]
            assert list(log.of_block(one.block)) == [e for e in short if e.block == one.block]
            assert list(log.between(one.time, one.time + 50)) == [e for e in short if 0 <= e.time - one.time <= 50]
        for part in (slice(3, 9), slice(-5, None), slice(None, None, -1), slice(9, 2, -3), slice(4, 10**6, 2)):
            assert list(log[part]) == short[part]
        assert list(log.last(7)) == short[-7:][::-1]


def test_a_log_that_is_held_never_changes(events: list[Event]) -> None:
    """While the follower goes on from it, goes back behind it, and goes on from there in another way."""
    half = Log().extended(events[:150])
    held = list(half)
    whole = half.extended(events[150:])
    assert list(half) == held and len(whole) == len(events)
    gone = whole.kept_by(lambda event: event.log_index < events[100].log_index)
    assert list(gone) == held[:100]
    other = gone.extended([replace(event, block_hash=b"other") for event in events[100:120]])
    assert list(whole)[100] != list(other)[100] and list(half) == held
    assert list(whole.of_round(1))[: len(half.of_round(1))] == list(half.of_round(1))


@pytest.mark.parametrize("kept", [0, 1, 77, 149, 150])
def test_what_the_chain_still_has_is_found_with_few_questions(events: list[Event], kept: int) -> None:
    log, asked = Log().extended(events[:150]), []

    def has(event: Event) -> bool:
        asked.append(event)
        return log.of_transaction(event.tx_hash) != [] and event.log_index < kept

    assert len(log.kept_by(has)) == kept and len(asked) <= 9


def test_one_thread_reads_while_another_appends(events: list[Event]) -> None:
    logs = [Log()]
    trouble: list[str] = []
    done = threading.Event()

    def reads() -> None:
        while not done.is_set():
            log = logs[-1]
            names = {event.name for event in log}
            if sum(len(log.named(name)) for name in names) != len(log) or len(log.accounts()) > 8:
                trouble.append(f"{len(log)} events")

    reader = threading.Thread(target=reads)
    reader.start()
    try:
        for event in events:
            logs.append(logs[-1].extended([event]))
    finally:
        done.set()
        reader.join()
    assert not trouble


def _short(event: Event) -> Event:
    digests = event.args.get(LONG)
    return event if digests is None else replace(event, args={**event.args, LONG: len(digests)})

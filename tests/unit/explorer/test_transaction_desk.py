"""What is fetched in the background: each thing once, not too many, and failures are not repeated at once."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from fedexplorer.transactions import desk as module
from fedexplorer.transactions.desk import FIRST_PAUSE, Desk
from fedprotocol.chain.errors import ChainError, ChainUnreachable
from support.hand_clock import Clock
from support.sending import until

PATIENCE = 20.0  # seconds by the hand-moved clock, which stands still: it is the test that waits


class Source:
    """Answers with the key's length, as soon as it may."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.may = threading.Event()
        self.may.set()
        self.error: Exception | None = None
        self.good = math.inf

    def __call__(self, key: str) -> int:
        self.asked.append(key)
        assert self.may.wait(10)
        if self.error is not None:
            raise self.error
        return len(key)


@contextmanager
def opened(
    source: Callable[[str], int], clock: Clock, workers: int = 2, most_waiting: int = 100, good: float = math.inf
) -> Iterator[Desk[str, int]]:
    desk: Desk[str, int] = Desk(source, lambda _: good, workers, most_waiting, str, clock)
    try:
        yield desk
    finally:
        desk.close()


def test_each_is_fetched_once_however_many_ask() -> None:
    source, clock = Source(), Clock()
    source.may.clear()
    with opened(source, clock) as desk:
        assert desk.ask(["a", "bb", "a"]).waiting == 2
        viewers = [threading.Thread(target=desk.ask, args=(["a", "bb"], PATIENCE)) for _ in range(10)]
        for viewer in viewers:
            viewer.start()
        source.may.set()
        for viewer in viewers:
            viewer.join(10)
        answers = desk.ask(["a", "bb"])
        assert (answers.found, answers.waiting, answers.asked) == ({"a": 1, "bb": 2}, 0, 2)
    assert sorted(source.asked) == ["a", "bb"]


def test_nobody_waits_longer_than_they_want() -> None:
    source = Source()
    source.may.clear()
    desk: Desk[str, int] = Desk(source, lambda _: math.inf, 1, 10, str)
    answers = desk.ask(["a", "b"], 0.05)
    assert (answers.found, answers.waiting, answers.trouble) == ({}, 2, "")
    source.may.set()
    assert desk.ask(["a", "b"], PATIENCE).found == {"a": 1, "b": 1}
    desk.close()


def test_not_too_many_wait() -> None:
    source, clock = Source(), Clock()
    source.may.clear()
    with opened(source, clock, workers=1, most_waiting=3) as desk:
        desk.ask(["first"])
        until(lambda: source.asked == ["first"])
        assert desk.ask([str(n) for n in range(1000)]).waiting == 1000
        source.may.set()
        until(lambda: len(source.asked) == 4)
        desk.ask(["first", "0", "1", "2"], PATIENCE)
        assert sorted(source.asked) == ["0", "1", "2", "first"]


def test_what_failed_is_tried_again_later_and_then_less_often() -> None:
    source, clock = Source(), Clock()
    source.error = ChainError("the node does not have it")
    with opened(source, clock) as desk:
        assert desk.ask(["a"], PATIENCE).trouble == "the node does not have it"
        for _ in range(5):
            assert desk.ask(["a"], PATIENCE).waiting == 1
        assert source.asked == ["a"]
        clock.now += FIRST_PAUSE
        desk.ask(["a"], PATIENCE)
        assert source.asked == ["a", "a"]
        clock.now += FIRST_PAUSE
        desk.ask(["a"], PATIENCE)
        assert source.asked == ["a", "a"]
        clock.now += FIRST_PAUSE
        source.error = None
        answers = desk.ask(["a"], PATIENCE)
        assert (answers.found, answers.trouble) == ({"a": 1}, "")


def test_a_silent_chain_is_not_asked_for_each() -> None:
    """Thousands of transactions would each wait for the same endpoint, for half a minute."""
    source, clock = Source(), Clock()
    source.error = ChainUnreachable("no RPC endpoint answers")
    with opened(source, clock, workers=1) as desk:
        answers = desk.ask(["a", "b", "c"], PATIENCE)
        assert source.asked == ["a"] and answers.trouble == "no RPC endpoint answers"
        source.error = None
        clock.now += FIRST_PAUSE
        assert desk.ask(["a", "b", "c"], PATIENCE).found == {"a": 1, "b": 1, "c": 1}


def test_an_unknown_error_ends_no_thread(caplog: pytest.LogCaptureFixture) -> None:
    source, clock = Source(), Clock()
    source.error = RuntimeError("a mistake of ours")
    with opened(source, clock, workers=1) as desk:
        assert "a mistake of ours" in desk.ask(["a"], PATIENCE).trouble
        source.error = None
        assert desk.ask(["b"], PATIENCE).found == {"b": 1}
    assert "RuntimeError" in caplog.text


def test_an_answer_that_may_change_is_asked_for_again() -> None:
    source, clock = Source(), Clock()
    with opened(source, clock, good=15.0) as desk:
        for _ in range(3):
            assert desk.ask(["a"], PATIENCE).found == {"a": 1}
        assert source.asked == ["a"]
        clock.now += 15.0
        assert desk.ask(["a"], PATIENCE).found == {"a": 1}
        assert source.asked == ["a", "a"]


def test_not_everything_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_REMEMBERED", 2)
    source, clock = Source(), Clock()
    with opened(source, clock, workers=1) as desk:
        for key in ("a", "b", "a", "c", "a", "b"):
            desk.ask([key], PATIENCE)
        assert source.asked == ["a", "b", "c", "b"]


def test_one_thing_comes_before_the_many_that_were_asked_for_earlier() -> None:
    source, clock = Source(), Clock()
    source.may.clear()
    many = [f"one of many {i}" for i in range(50)]
    with opened(source, clock, workers=1) as desk:
        desk.ask(many)
        until(lambda: source.asked == many[:1])
        desk.ask(["alone"])
        source.may.set()
        until(lambda: len(source.asked) == 51)
    assert source.asked == [many[0], "alone", *many[1:]]

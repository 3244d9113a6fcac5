"""Errors that nobody has put into words: shown in full once, and known again."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from fedprotocol.errors import FedError
from fedprotocol.program.unforeseen import Unforeseen


@dataclass(frozen=True)
class Work:
    round: int


@dataclass(frozen=True)
class OtherWork:
    round: int


def raised(error: Exception) -> Exception:
    try:
        raise error
    except Exception as caught:
        return caught


def raised_elsewhere(error: Exception) -> Exception:
    try:
        raise error
    except Exception as caught:
        return caught


def test_a_traceback_is_news_once_for_a_kind_of_work_and_a_place() -> None:
    met = Unforeseen()
    assert met.is_news(Work(1), raised(IndexError("index 384 is out of range")))
    assert not met.is_news(Work(1), raised(IndexError("index 384 is out of range")))
    assert not met.is_news(Work(2), raised(IndexError("another text")))
    assert met.is_news(OtherWork(1), raised(IndexError("x")))
    assert met.is_news(Work(1), raised(KeyError("x")))
    assert met.is_news(Work(1), raised_elsewhere(IndexError("x")))
    assert met.is_news(None, raised(IndexError("x")))
    assert not met.is_news(Work(9), raised(FedError("in words")))
    assert not met.is_news(Work(9), raised(OSError("No space left on device")))
    assert met.is_news(Work(1), ZeroDivisionError("raised nowhere"))


def test_the_same_twice_would_be_the_same_again() -> None:
    met = Unforeseen()
    assert not met.is_again(Work(1), raised(IndexError("a")))
    assert not met.is_again(OtherWork(1), raised(IndexError("a"))), "another kind of work between"
    assert met.is_again(Work(1), raised(IndexError("b")))
    assert not met.is_again(Work(2), raised(IndexError("a"))), "a new round may go otherwise"
    assert not met.is_again(Work(2), raised(KeyError("a")))
    assert met.is_again(Work(2), raised(KeyError("a")))


@pytest.mark.parametrize(
    "error",
    [
        FedError("the store is away"),
        OSError("No space left on device"),
        MemoryError(),
        RuntimeError("CUDA out of memory. Tried to allocate 20 MiB"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes"),
    ],
)
def test_what_may_pass_is_tried_again(error: Exception) -> None:
    met = Unforeseen()
    assert not met.is_again(Work(1), raised(error))
    assert not met.is_again(Work(1), raised(error))

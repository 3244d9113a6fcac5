"""A signal ends the demo in an orderly way, wherever it is just then."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from fedprotocol.errors import FedError


class Interrupted(FedError):
    """The person pressed Ctrl-C, or a signal asked the program to end."""

    exit_code = 130


class Signalled(BaseException):
    """A signal came. It is no `Exception`, because whatever goes on in spite of errors would go on in spite of it."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.name = signal.Signals(number).name


@contextmanager
def interruptible() -> Iterator[None]:
    """SIGINT, SIGTERM and SIGHUP raise Signalled inside, once: stopping must not be interrupted. Raises Interrupted
    when everything inside has been left."""

    def stop(number: int, _frame: FrameType | None) -> None:
        for each in before:
            signal.signal(each, signal.SIG_IGN)
        raise Signalled(number)

    before: dict[int, Callable[[int, FrameType | None], object] | int | None] = {}
    for wanted in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        before[wanted] = signal.signal(wanted, stop)
    try:
        yield
    except Signalled as signalled:
        raise Interrupted(f"stopped by {signalled.name}; everything this run had started is stopped") from None
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)

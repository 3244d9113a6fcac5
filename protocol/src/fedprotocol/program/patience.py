"""Work that may hang, done for so long and no longer."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from fedprotocol.errors import FedError

T = TypeVar("T")


class TookTooLong(FedError):
    """It has not ended in time; the message says what was waited for."""


def within(seconds: float, what: str, body: Callable[[], T]) -> T:
    """What `body` returns or raises, if it ends within `seconds`. Otherwise it is left to itself in a thread that does
    not keep the program from ending; whatever it does then must not matter.

    Args:
        seconds: of patience.
        what: the beginning of the error's sentence, such as "the chain has not answered".

    Raises TookTooLong.
    """
    done: list[T] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            done.append(body())
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run, name="patience", daemon=True)
    thread.start()
    thread.join(seconds)
    if failed:
        raise failed[0]
    if not done:
        raise TookTooLong(f"{what} within {seconds:g} s")
    return done[0]

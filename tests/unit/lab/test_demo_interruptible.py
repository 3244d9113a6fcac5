"""A signal ends the demo, also where errors are no reason to end."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from fedlab.demo.interruptible import Interrupted, interruptible
from fedprotocol.errors import FedError


@contextmanager
def tidied(done: list[str]) -> Iterator[None]:
    try:
        yield
    finally:
        os.kill(os.getpid(), signal.SIGTERM)  # stopping is not interrupted
        done.append("tidied")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_nothing_that_goes_on_after_an_error_goes_on_after_a_signal(number: signal.Signals) -> None:
    before, done = signal.getsignal(number), list[str]()
    with pytest.raises(Interrupted, match=f"stopped by {number.name}"), interruptible(), tidied(done):
        try:
            os.kill(os.getpid(), number)
        except (FedError, Exception):
            done.append("went on")
        done.append("went on")
    assert done == ["tidied"]
    assert signal.getsignal(number) is before

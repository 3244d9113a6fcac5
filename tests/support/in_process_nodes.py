"""Nodes' loops in the test's own process, turned by hand: real ones, without the seconds in which a program starts."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from fednode.daemon.actions import registry as do
from fednode.daemon.loop import Daemon
from fednode.session import Session
from fedprotocol.monitor.health import Health


@contextmanager
def running(session: Session) -> Iterator[Daemon]:
    """The loop of the session's node. It turns only in `until`; its work in the background goes on by itself."""
    daemon = Daemon(
        session.config,
        session.spec,
        session.coordinator,
        session.sender,
        session.journal,
        session.store,
        session.address,
        Health(session.config.chain.poll_seconds),
    )
    try:
        yield daemon
    finally:
        daemon._background.interrupt_all()
        daemon._tools.model.close()


def until(daemon: Daemon, reached: Callable[[do.Action | None], bool], seconds: float = 30) -> None:
    """Turn the loop until it takes an action that is `reached`."""
    deadline = time.monotonic() + seconds
    while not reached(daemon._cycle()):
        assert time.monotonic() < deadline, "it did not come to it"
        time.sleep(0.02)

"""Handing on what the node writes down, as long as it is wanted: each tool in a thread of its own, so that one that
hangs holds up no other."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial

from fedprotocol.errors import FedError
from fedprotocol.foreign_errors import in_a_line

from fednode.tracking.chapters import Chapter
from fednode.tracking.recipient import Recipient

log = logging.getLogger("fednode.tracking")

EVERY = 5.0  # seconds between two looks at the node's files
LAST = 60.0  # seconds that tools have at the end, all together


def follow(
    recipients: Sequence[Recipient],
    chapters: Callable[[], list[Chapter]],
    is_over: Callable[[], bool],
    every: float = EVERY,
    last: float = LAST,
) -> bool:
    """Return when `is_over`, or soon after, once all tools have had everything. Returns whether they have: a tool that
    failed with the last chapters, or hangs, has not. `chapters` is called by several threads."""
    ended = threading.Event()
    done: set[str] = set()
    threads = [
        threading.Thread(target=_serve, args=(one, chapters, ended, every, done), name=one.tool, daemon=True)
        for one in recipients
    ]
    for thread in threads:
        thread.start()
    while not is_over():
        time.sleep(min(every, 0.5))
    ended.set()
    until = time.monotonic() + last
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))
    for recipient, thread in zip(recipients, threads, strict=True):
        if thread.is_alive():
            log.warning("%s still works after %.0f s, and is left alone", recipient.tool, last)
    return len(done) == len(recipients)


def _serve(
    recipient: Recipient, chapters: Callable[[], list[Chapter]], ended: threading.Event, every: float, done: set[str]
) -> None:
    said = ""
    while True:
        is_last = ended.is_set()
        problem = _tried(partial(_offer, recipient, chapters, is_last))
        if problem and problem != said:
            log.warning("%s", problem)
        said = problem or said
        if is_last:
            break
        ended.wait(every)
    if closing := _tried(recipient.close):
        log.warning("%s", closing)
    elif not problem:
        done.add(recipient.tool)


def _offer(recipient: Recipient, chapters: Callable[[], list[Chapter]], is_last: bool) -> None:
    recipient.offer(chapters(), is_last)


def _tried(act: Callable[[], None]) -> str:
    """What went wrong; empty: nothing."""
    try:
        act()
    except FedError as error:
        return str(error)
    except Exception as error:
        return in_a_line(error)
    return ""

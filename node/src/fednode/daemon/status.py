"""What `status.json` of a node holds."""

from __future__ import annotations

from pathlib import Path

from fedprotocol.program.status import DaemonStatus
from fedprotocol.program.status import read_status as read


class Status(DaemonStatus):
    """One moment of a node."""

    cause: str = "acting"  # or "end", "chain" (it cannot be read), or of a wait its Cause's name in small letters
    then: str  # what comes next
    meanwhile: str = ""  # work in the background that nothing waits for, such as an evaluation
    step: int = 0  # of the training that runs, 0: none runs
    steps: int = 0
    loss: float | None = None  # of that step, else of the last one trained
    base: str = ""  # how the base model is held in memory; empty before it is loaded
    peers: int | None = None  # others that the store can read from; None: nothing counts them ([monitor] port is 0)
    penalties: tuple[str, ...] = ()  # that nothing has made up for yet: how much, why, what to do


def read_status(path: Path) -> Status | None:
    """The last thing the node said; None if it never ran here. Raises StatusError."""
    return read(path, Status)

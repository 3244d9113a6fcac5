"""`status.json`: what a running node says about itself, for `fednode status` and anybody who watches."""

from __future__ import annotations

import json
import os
from pathlib import Path

from fedprotocol.errors import FedError
from pydantic import BaseModel, ConfigDict, ValidationError


class StatusError(FedError):
    """There is no usable status file."""


class Status(BaseModel):
    """One moment of a node. Times are seconds since 1970: `since` and `updated` by the wall, `until` by the chain."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pid: int
    account: str
    round: int  # last opened
    phase: str
    activity: str  # what it does or waits for, in words
    then: str  # what comes next
    meanwhile: str = ""  # work in the background that nothing waits for, such as an evaluation
    since: float  # of the activity
    until: int  # end of the phase, 0: none
    step: int = 0  # of the training that runs, 0: none runs
    steps: int = 0
    loss: float | None = None  # of that step, else of the last one trained
    problems: tuple[str, ...] = ()  # what a person should look at, oldest first
    chain_time: int
    updated: float


def write_status(path: Path, status: Status) -> None:
    """Replace the file whole, so that a reader never sees half of it."""
    partial = path.with_name(path.name + ".partial")
    partial.write_text(status.model_dump_json() + "\n", encoding="utf-8")
    partial.replace(path)


def read_status(path: Path) -> Status:
    """The last thing the node said. Raises StatusError if it never ran here."""
    try:
        return Status.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise StatusError(
            f"no node has run with this config yet (there is no {path}): start it with `fednode run`"
        ) from None
    except (OSError, ValueError, ValidationError) as error:
        raise StatusError(f"{path} cannot be read: {error}") from error


def is_running(status: Status) -> bool:
    """Whether the process that wrote it is still there."""
    try:
        os.kill(status.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True

"""`status.json`: what a running daemon says about itself, for its `status` command and anybody who watches."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict

from fedprotocol.errors import FedError
from fedprotocol.files.whole import write_whole
from fedprotocol.printable import json_text
from fedprotocol.quantities import duration


class StatusError(FedError):
    """The status file exists, but its content is no status."""


class Problem(BaseModel):
    """What is wrong, and may need a person: since when, and when it was last met (seconds since 1970)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str
    since: float
    latest: float


class DaemonStatus(BaseModel):
    """One moment of a daemon. Times are seconds since 1970: `since` and `updated` by this machine's clock, the others
    by the chain's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pid: int
    account: str
    round: int  # the round that was opened last; 0 if there is none
    phase: str  # phase of that round
    activity: str  # what it does or waits for, as a phrase
    since: float  # start of the activity
    until: int  # when what it waits for ends; 0 if there is no deadline
    problems: tuple[Problem, ...] = ()  # what is wrong now, one for each cause, the newest last
    chain_time: int
    updated: float

    @property
    def is_running(self) -> bool:
        """Whether the process that wrote it still runs."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True


def problem_lines(problems: Iterable[Problem], told: str, now: float) -> list[str]:
    """For people. `told`: what is shown besides, in which the cause of a problem may stand already; `now`: seconds
    since 1970."""
    return [
        f"problem   {problem.text} (since {datetime.fromtimestamp(problem.since, UTC):%H:%M:%S} UTC, "
        f"{duration(now - problem.since)})"
        for problem in problems
        if problem.text not in told
    ]


S = TypeVar("S", bound=DaemonStatus)


class StatusFile:
    """The file in which a daemon says what it does. Each write replaces the whole file, so that a reader never sees
    half of it. A full disk must not stop work that has a deadline on the chain, so it is only reported to `log`, once
    until a write succeeds.
    """

    def __init__(self, path: Path, log: logging.Logger) -> None:
        self._path = path
        self._log = log
        self._is_writable = True

    def write(self, status: DaemonStatus) -> None:
        try:  # not synced, because a slow disk must not delay the daemon either
            write_whole(self._path, json_text(status.model_dump(mode="json")) + "\n", synced=False)
        except OSError as error:
            if self._is_writable:
                self._log.warning("%s cannot be written: %s", self._path, error.strerror)
            self._is_writable = False
        else:
            self._is_writable = True


def read_status(path: Path, kind: type[S]) -> S | None:
    """The last status that the daemon wrote; None if it never ran here. Raises StatusError."""
    try:
        return kind.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StatusError(f"{path} cannot be read: {error.strerror}") from error
    except Exception as error:  # pydantic's
        raise StatusError(f"{path} holds no status ({type(error).__name__}): delete it") from error

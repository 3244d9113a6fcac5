"""`status.json`: what a running daemon says about itself, for its `status` command and anybody who watches."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict

from fedprotocol.errors import FedError
from fedprotocol.files.whole import write_whole
from fedprotocol.printable import json_text


class StatusError(FedError):
    """The status file is there and is no status."""


class DaemonStatus(BaseModel):
    """One moment of a daemon. Times are seconds since 1970: `since` and `updated` by the wall, others by the chain."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pid: int
    account: str
    round: int  # last opened, 0: none
    phase: str  # of that round
    activity: str  # what it does or waits for, as a phrase
    since: float  # of the activity
    until: int  # end of what it waits for, 0: no deadline
    chain_time: int
    updated: float

    @property
    def is_running(self) -> bool:
        """Whether the process that wrote it is still there."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True


S = TypeVar("S", bound=DaemonStatus)


class StatusFile:
    """Where a daemon says how it is. Each write replaces the file whole, so that a reader never sees half of it.

    A full disk must not stop what the chain has a deadline for: it is said once in `log`, until a write succeeds.
    """

    def __init__(self, path: Path, log: logging.Logger) -> None:
        self._path = path
        self._log = log
        self._is_writable = True

    def write(self, status: DaemonStatus) -> None:
        try:  # not synced: a slow disk must not hold the daemon up either
            write_whole(self._path, json_text(status.model_dump(mode="json")) + "\n", synced=False)
        except OSError as error:
            if self._is_writable:
                self._log.warning("%s cannot be written: %s", self._path, error.strerror)
            self._is_writable = False
        else:
            self._is_writable = True


def read_status(path: Path, kind: type[S]) -> S | None:
    """The last thing the daemon said; None if it never ran here. Raises StatusError."""
    try:
        return kind.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StatusError(f"{path} cannot be read: {error.strerror}") from error
    except Exception as error:  # pydantic's
        raise StatusError(f"{path} holds no status ({type(error).__name__}): delete it") from error

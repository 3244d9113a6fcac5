"""`status.json`: what a running aggregator says about itself, for `fedaggregator status` and anybody who watches."""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path

from fedprotocol.chain.snapshot import Snapshot
from fedprotocol.errors import FedError
from pydantic import BaseModel, ConfigDict, ValidationError

log = logging.getLogger("fedaggregator")


class StatusError(FedError):
    """There is no usable status file."""


class Status(BaseModel):
    """One moment of an aggregator. `since` and `updated` are wall time, `until` and `chain_time` the chain's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pid: int
    account: str
    round: int  # last opened; 0: none
    phase: str  # of that round
    activity: str  # what it does or waits for, in words
    since: float  # of the activity
    until: int  # end of what it waits for, 0: no deadline
    problem: str  # what a person should look at; empty: nothing
    owed: int  # token units the coordinator holds for the account
    tokens: int  # token units the account has
    chain_time: int
    updated: float


class Reporter:
    """Keeps the status file up to date and logs what changes, once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._status: Status | None = None
        self._problem = ""

    def activity(self, snapshot: Snapshot, words: str, until: int) -> None:
        """What is done or waited for now."""
        now, last = time.time(), self._status
        is_new = last is None or last.activity != words
        if is_new:
            log.info("%s", words)
        status = Status(
            pid=os.getpid(),
            account=snapshot.account,
            round=snapshot.last_opened,
            phase=snapshot.rounds[-1].view.phase.name.capitalize() if snapshot.rounds else "None",
            activity=words,
            since=now if last is None or is_new else last.since,
            until=until,
            problem=self._problem,
            owed=snapshot.my_owed,
            tokens=snapshot.tokens,
            chain_time=snapshot.time,
            updated=now,
        )
        self._write(status)

    def problem(self, words: str) -> None:
        """What a person should look at, until it is called again; the empty string takes it back."""
        if words and words != self._problem:
            log.error("%s", words)
        self._problem = words
        if self._status:
            self._write(self._status.model_copy(update={"problem": words, "updated": time.time()}))

    def _write(self, status: Status) -> None:
        """Replace the file whole, so that a reader never sees half of it."""
        partial = self._path.with_name(self._path.name + ".part")
        partial.write_text(status.model_dump_json() + "\n", encoding="utf-8")
        partial.replace(self._path)
        self._status = status


def read_status(path: Path) -> Status | None:
    """The last thing the aggregator said; None if it never ran here.

    Raises:
        StatusError: the file is there and is not a status.
    """
    try:
        return Status.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        raise StatusError(f"{path} cannot be read as a status: {error}; delete it") from error


def is_running(status: Status) -> bool:
    """Whether the process that wrote it is still there."""
    try:
        os.kill(status.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True

"""The content of an aggregator's `status.json`, and how it is kept up to date."""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path

from fedprotocol import metrics
from fedprotocol.chain.errors import ChainError
from fedprotocol.chain.read.snapshot import Snapshot
from fedprotocol.monitor.chain import observe
from fedprotocol.monitor.health import Health
from fedprotocol.program.logs import tell_moment
from fedprotocol.program.status import DaemonStatus, StatusFile
from fedprotocol.program.status import read_status as read

log = logging.getLogger("fedaggregator")
REMEMBERED = 64  # how many problems are remembered so as not to log them again


class Status(DaemonStatus):
    """The state of an aggregator at one moment."""

    problem: str  # what a person should look at; empty if there is nothing
    owed: int  # token units that the coordinator owes the account
    tokens: int  # token units in the account


class Reporter:
    """Keeps status file, figures and health up to date, and logs each change once. `decimals`: those of the token."""

    def __init__(self, path: Path, health: Health, decimals: int) -> None:
        self._file = StatusFile(path, log)
        self.health = health
        self._decimals = decimals
        self._status: Status | None = None
        self._problem = ""
        self._logged: dict[str, None] = {}  # problems that were logged, the newest last

    def activity(self, snapshot: Snapshot, activity: str, until: int, at_most: float) -> None:
        """Say what is being done, for `at_most` this many seconds, or what it waits for."""
        now, last = time.time(), self._status
        self.health.turned(activity, at_most)
        observe(snapshot, self._decimals, now)
        phase = snapshot.rounds[-1].view.phase.name.capitalize() if snapshot.rounds else "None"
        tell_moment(snapshot.last_opened, phase.lower())
        is_new = last is None or last.activity != activity
        if is_new:
            log.info("%s", activity)
        status = Status(
            pid=os.getpid(),
            account=snapshot.account,
            round=snapshot.last_opened,
            phase=phase,
            activity=activity,
            since=now if last is None or is_new else last.since,
            until=until,
            problem=self._problem,
            owed=snapshot.my_owed,
            tokens=snapshot.tokens,
            chain_time=snapshot.time,
            updated=now,
        )
        self._write(status)

    def problem(self, message: str) -> None:
        """Set what a person should look at. It stays until the next call; an empty string removes it."""
        self._say(message)
        self._problem = message
        metrics.PROBLEMS.set(bool(message))
        if self._status:
            self._write(self._status.model_copy(update={"problem": message, "updated": time.time()}))

    def failed(self, error: Exception) -> None:
        """Report that something failed and will be tried again."""
        self._say(str(error) or type(error).__name__)
        metrics.ERRORS.labels(type(error).__name__).inc()
        if isinstance(error, ChainError):
            self.health.failed("chain", str(error))

    def _say(self, message: str) -> None:
        """Log the same problem only once, although it comes and goes."""
        if message and message not in self._logged:
            log.error("%s", message)
        if message:
            self._logged.pop(message, None)
            self._logged[message] = None
        if len(self._logged) > REMEMBERED:
            del self._logged[next(iter(self._logged))]

    def _write(self, status: Status) -> None:
        self._status = status
        self._file.write(status)


def read_status(path: Path) -> Status | None:
    """The last status that the aggregator wrote; None if it never ran here. Raises StatusError."""
    return read(path, Status)

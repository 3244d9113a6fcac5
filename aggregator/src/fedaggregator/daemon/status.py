"""What `status.json` of an aggregator holds, and keeping it up to date."""

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
REMEMBERED = 64  # problems that are not logged again


class Status(DaemonStatus):
    """One moment of an aggregator."""

    problem: str  # what a person should look at; empty: nothing
    owed: int  # token units the coordinator holds for the account
    tokens: int  # token units the account has


class Reporter:
    """Keeps status file, figures and health up to date and logs what changes, once. `decimals`: the token's."""

    def __init__(self, path: Path, health: Health, decimals: int) -> None:
        self._file = StatusFile(path, log)
        self.health = health
        self._decimals = decimals
        self._status: Status | None = None
        self._problem = ""
        self._logged: dict[str, None] = {}  # problems, the newest last

    def activity(self, snapshot: Snapshot, activity: str, until: int, at_most: float) -> None:
        """What is done, for `at_most` so many seconds, or waited for now."""
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
        """What a person should look at, until it is called again; the empty string takes it back."""
        self._say(message)
        self._problem = message
        metrics.PROBLEMS.set(bool(message))
        if self._status:
            self._write(self._status.model_copy(update={"problem": message, "updated": time.time()}))

    def failed(self, error: Exception) -> None:
        """Something did not end well; it is tried again."""
        self._say(str(error) or type(error).__name__)
        metrics.ERRORS.labels(type(error).__name__).inc()
        if isinstance(error, ChainError):
            self.health.failed("chain", str(error))

    def _say(self, message: str) -> None:
        """The same again only once, although it fails and is tried again by turns."""
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
    """The last thing the aggregator said; None if it never ran here. Raises StatusError."""
    return read(path, Status)

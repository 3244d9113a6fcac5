"""The content of an aggregator's `status.json`, and how it is kept up to date."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Collection, Hashable
from pathlib import Path

from fedprotocol import metrics
from fedprotocol.chain.errors import ChainError
from fedprotocol.chain.read.snapshot import Snapshot
from fedprotocol.monitor.chain import observe
from fedprotocol.monitor.health import Health
from fedprotocol.monitor.last_seen import Keeper
from fedprotocol.monitor.problems import Problems
from fedprotocol.program.logs import tell_moment
from fedprotocol.program.status import DaemonStatus, StatusFile
from fedprotocol.program.status import read_status as read

log = logging.getLogger("fedaggregator")
CHAIN = "chain"  # the key of the problem that it cannot be read


class Status(DaemonStatus):
    """The state of an aggregator at one moment."""

    owed: int  # token units that the coordinator owes the account
    tokens: int  # token units in the account


class Reporter:
    """Keeps status file, figures and health up to date, and logs each change once. `decimals`: those of the token."""

    def __init__(self, path: Path, health: Health, decimals: int, keeper: Keeper) -> None:
        self._file = StatusFile(path, log)
        self.health = health
        self._keeper = keeper
        self._decimals = decimals
        self._status: Status | None = None
        self._problems = Problems()

    def activity(self, snapshot: Snapshot, activity: str, until: int, at_most: float, is_told: bool = False) -> None:
        """What is done, for `at_most` so many seconds, or waited for now. `is_told`: the log has it already."""
        now, last = time.time(), self._status
        self.health.turned(activity, at_most)
        observe(snapshot, self._decimals, now)
        self._keeper.keep(snapshot, now)
        phase = snapshot.rounds[-1].view.phase.name.capitalize() if snapshot.rounds else "None"
        tell_moment(snapshot.last_opened, phase.lower())
        is_new = last is None or last.activity != activity
        if is_new and not is_told:
            log.info("%s", activity)
        status = Status(
            pid=os.getpid(),
            account=snapshot.account,
            round=snapshot.last_opened,
            phase=phase,
            activity=activity,
            since=now if last is None or is_new else last.since,
            until=until,
            problems=self._problems.shown(),
            owed=snapshot.my_owed,
            tokens=snapshot.tokens,
            chain_time=snapshot.time,
            updated=now,
        )
        self._write(status)

    def unread(self) -> None:
        """The chain cannot be read: the status shows why."""
        if self._status:
            shown = {"problems": self._problems.shown(), "updated": time.time()}
            self._write(self._status.model_copy(update=shown))

    def problem(self, words: str, key: Hashable) -> None:
        """What a person should look at, as long as it concerns `key`; the same again is logged once."""
        if self._problems.meet(key, words):
            log.warning("%s", words)
        metrics.PROBLEMS.set(len(self._problems))

    def failed(self, key: Hashable, doing: str, error: Exception, is_told: bool = False) -> None:
        """`key` did not end well; it is tried again. `doing`: what it is, in words; `is_told`: the log has it."""
        text = str(error) or type(error).__name__
        if self._problems.meet(key, text, doing) and not is_told:
            log.warning("%s", f"{doing}: {text}" if doing else text)
        metrics.ERRORS.labels(type(error).__name__).inc()
        metrics.PROBLEMS.set(len(self._problems))
        if isinstance(error, ChainError):
            self.health.failed("chain", str(error))

    def succeeded(self, key: Hashable, doing: str) -> None:
        """What failed before works again."""
        if lasted := self._problems.over(key):
            log.info("%s: it works again, after %s", doing, lasted)

    def look(self, lasting: Collection[Hashable], open_rounds: Collection[int]) -> None:
        """The chain was read: end the problems that are over."""
        if lasted := self._problems.over(CHAIN):
            log.info("the chain can be read again, after %s", lasted)
        self._problems.look(lasting, open_rounds)
        metrics.PROBLEMS.set(len(self._problems))

    def over(self, key: Hashable) -> None:
        """What `problem` said of `key` holds no longer."""
        self._problems.over(key)

    def _write(self, status: Status) -> None:
        self._status = status
        self._file.write(status)


def read_status(path: Path) -> Status | None:
    """The last status that the aggregator wrote; None if it never ran here. Raises StatusError."""
    return read(path, Status)

"""What the node says about itself: log lines, the status file, figures, its health, the bar under a terminal's log."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Collection
from pathlib import Path

from fedprotocol import metrics
from fedprotocol.chain.errors import show
from fedprotocol.chain.read.snapshot import Snapshot
from fedprotocol.monitor.chain import observe
from fedprotocol.monitor.health import Health
from fedprotocol.program.logs import tell_moment
from fedprotocol.program.status import StatusFile
from fedprotocol.tree import cid
from fedprotocol.types import Phase

from fednode.daemon import action as do
from fednode.daemon.cause import Cause
from fednode.daemon.facts import Facts
from fednode.daemon.model.model_work import SiteWork
from fednode.daemon.model_progress import ModelProgress
from fednode.daemon.status import Status
from fednode.daemon.view import deadline
from fednode.progress_bar import ProgressBar

log = logging.getLogger("fednode")
SHOWN_PROBLEMS = 10
UNHELPED = {Cause.CLIENTS, Cause.POOL, Cause.SUSPENDED, Cause.SEAT, Cause.ASIDE, Cause.FORFEIT, Cause.LEFT}
"""What this node can do nothing about, and no other line tells."""
SENDING_SECONDS = 1800.0  # of patience with transactions: twice what the sender gives one


class Reporter:
    """Every method is called in the loop's thread. `now`: seconds since 1970; `decimals`: the token's."""

    def __init__(
        self,
        path: Path,
        account: str,
        decimals: int,
        confirmations: int,
        progress: ModelProgress,
        health: Health,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._file = StatusFile(path, log)
        self._account = account
        self._decimals = decimals
        self._confirmations = confirmations
        self._progress = progress
        self._health = health
        self._now = now
        self._problems: dict[str, None] = {}
        self._phases: dict[int, Phase] = {}
        self._activity = ("", 0.0)
        self._status: Status | None = None
        self._cause: Cause | None = None
        self._wrong = 0  # things, when the chain was last read
        self._bar = ProgressBar()

    def close(self) -> None:
        self._bar.close()

    def problem(self, text: str) -> None:
        """Report what a person should look at. The same text is only reported once."""
        if text not in self._problems:
            log.warning("%s", text)
        self._problems.pop(text, None)
        self._problems[text] = None

    def failed(self, action: do.Action, error: Exception) -> None:
        """`action` is tried again later, or given up."""
        self.problem(f"{action.describe()}: {error}")
        metrics.RETRIES.labels(type(action).__name__.lower()).inc()
        metrics.ERRORS.labels(type(error).__name__).inc()

    def model_failed(self, error: Exception) -> None:
        """The model cannot be used; the node only does what it owes."""
        self.problem(str(error))
        self._health.failed("model", str(error))
        metrics.ERRORS.labels(type(error).__name__).inc()

    def unread(self, error: Exception) -> None:
        """The chain could not be read."""
        self.problem(str(error))
        self._health.failed("chain", str(error))
        metrics.ERRORS.labels(type(error).__name__).inc()
        metrics.PROBLEMS.set(self._wrong + 1)
        if self._status is not None:
            self._write(
                self._status.model_copy(
                    update={
                        "activity": self._changed(f"waiting for the chain: {error}"),
                        "since": self._activity[1],
                        "cause": "chain",
                        "until": 0,
                        "then": "",
                        "problems": self._shown(()),
                        "updated": self._now(),
                    }
                )
            )

    def phases(self, chain: Snapshot) -> None:
        """Log how rounds have ended since the last read."""
        for state in chain.rounds:
            view = state.view
            if self._phases.get(state.number) is view.phase:
                continue
            self._phases[state.number] = view.phase
            match view.phase:
                case Phase.FINAL:
                    log.info("round %d is final: %s by %s", state.number, cid(view.global_root), view.aggregator)
                case Phase.VOID:
                    log.warning("round %d is void: %s", state.number, show(view.void_reason))
                case _:
                    log.info("round %d is in %s", state.number, view.phase.name.capitalize())

    def activity(self, chain: Snapshot, facts: Facts, action: do.Action) -> None:
        """What the loop found and does now."""
        text = self._changed(action.describe())
        cause = action.cause if isinstance(action, do.Wait) else None
        if cause in UNHELPED and cause is not self._cause:
            log.info("%s", text)
        self._cause = cause
        step, steps, loss = self._progress.read()
        last = chain.round(chain.last_opened)
        phase = "none" if last is None else last.view.phase.name.lower()
        model_work = [work.describe() for work in facts.underway.running if work.lane is do.Lane.MODEL]
        aside = [work.describe() for work in facts.underway.running if isinstance(work, SiteWork)]
        busy = bool(model_work)
        self._bar.show("".join(model_work), step, steps if busy else 0, loss)
        self._health.turned(text, SENDING_SECONDS if isinstance(action, do.ChainAction) else 0)
        observe(chain, self._decimals, self._now())
        tell_moment(chain.last_opened, phase)
        self._wrong = sum(not setback.too_early for setback in facts.underway.failing.values()) + bool(facts.failure)
        metrics.PROBLEMS.set(self._wrong)
        if loss is not None:
            metrics.LOSS.set(loss)
        self._write(
            Status(
                pid=os.getpid(),
                account=self._account,
                round=chain.last_opened,
                phase=phase,
                activity=text,
                cause=_cause(action),
                then=action.then if isinstance(action, do.Wait) else self._then(action),
                meanwhile=", ".join(aside),
                since=self._activity[1],
                until=action.until if isinstance(action, do.Wait) else deadline(chain),
                step=step if busy else 0,
                steps=steps if busy else 0,
                loss=loss,
                base=self._progress.base,
                problems=self._shown([verdict.text for verdict in facts.remembered.verdicts.values()]),
                chain_time=chain.time,
                updated=self._now(),
            )
        )

    def _changed(self, text: str) -> str:
        """Note since when `text` is what the node does."""
        if text != self._activity[0]:
            self._activity = (text, self._now())
        return text

    def _then(self, action: do.Action) -> str:
        if not isinstance(action, do.ChainAction):
            return ""
        return f"its block and {self._confirmations} on top of that" if self._confirmations else "its block"

    def _shown(self, wrong: Collection[str]) -> tuple[str, ...]:
        """What is `wrong` with proposals, unless that is empty, and what else a person should look at."""
        return tuple([*filter(None, wrong), *self._problems][-SHOWN_PROBLEMS:])

    def _write(self, status: Status) -> None:
        self._status = status
        self._file.write(status)


def _cause(action: do.Action) -> str:
    match action:
        case do.Wait():
            return action.cause.name.lower()
        case do.Finish():
            return "end"
        case _:
            return "acting"

"""What the node says about itself: log lines, the status file, figures, its health, the bar under a terminal's log."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Hashable
from pathlib import Path

from fedprotocol import metrics
from fedprotocol.chain.errors import show
from fedprotocol.chain.read.snapshot import Snapshot
from fedprotocol.monitor.chain import observe
from fedprotocol.monitor.health import Health
from fedprotocol.monitor.last_seen import Keeper
from fedprotocol.monitor.problems import Problems
from fedprotocol.monitor.store_watch import peers_known
from fedprotocol.program.logs import tell_moment
from fedprotocol.program.status import StatusFile
from fedprotocol.tree import cid
from fedprotocol.types import Phase

from fednode.daemon.actions import action as do
from fednode.daemon.actions.model.model_work import SiteWork
from fednode.daemon.facts import Facts
from fednode.daemon.model_progress import ModelProgress
from fednode.daemon.penalties import figures, penalties_in_words
from fednode.daemon.snapshot_questions import deadline, unsettled
from fednode.daemon.status import Status
from fednode.daemon.wait_reason import Cause
from fednode.progress_bar import ProgressBar

log = logging.getLogger("fednode")
UNHELPED = {
    *(Cause.CLIENTS, Cause.POOL, Cause.SUSPENDED, Cause.SEAT, Cause.ASIDE, Cause.FORFEIT, Cause.LEFT),
    *(Cause.FORBIDDEN, Cause.ALONE),
}
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
        keeper: Keeper,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._file = StatusFile(path, log)
        self._account = account
        self._decimals = decimals
        self._confirmations = confirmations
        self._progress = progress
        self._health = health
        self._keeper = keeper
        self._now = now
        self._problems = Problems(now)
        self._phases: dict[int, Phase] = {}
        self._activity = ("", 0.0)
        self._status: Status | None = None
        self._cause: Cause | None = None
        self._told_penalties: set[int] = set()  # rounds
        self._bar = ProgressBar()

    def close(self) -> None:
        self._bar.close()

    def problem(self, text: str, key: Hashable = None, round_number: int | None = None) -> None:
        """What a person should look at; the same again is said once. `key`: what it concerns, if not itself.
        `round_number`: it lasts as long as that round is open."""
        if self._problems.meet(key or text, text, round_number=round_number):
            log.warning("%s", text)

    def failed(self, action: do.Action, error: Exception, is_told: bool = False) -> None:
        """`action` is tried again later, or given up. `is_told`: the log has it already."""
        text = str(error) or type(error).__name__
        if self._problems.meet(action, text, action.describe()) and not is_told:
            log.warning("%s: %s", action.describe(), text)
        metrics.RETRIES.labels(type(action).__name__.lower()).inc()
        metrics.ERRORS.labels(type(error).__name__).inc()

    def succeeded(self, action: do.Action) -> None:
        """What failed before works again."""
        if lasted := self._problems.over(action):
            log.info("%s: it works again, after %s", action.describe(), lasted)

    def model_failed(self, error: Exception) -> None:
        """The model cannot be used; the node only does what it owes."""
        self.problem(str(error), "model")
        self._health.failed("model", str(error))
        metrics.ERRORS.labels(type(error).__name__).inc()

    def unread(self, error: Exception) -> None:
        """The chain could not be read."""
        self.problem(str(error), "chain")
        self._health.failed("chain", str(error))
        metrics.ERRORS.labels(type(error).__name__).inc()
        metrics.PROBLEMS.set(len(self._problems))
        if self._status is not None:
            self._write(
                self._status.model_copy(
                    update={
                        "activity": self._changed(f"waiting for the chain: {error}"),
                        "since": self._activity[1],
                        "cause": "chain",
                        "until": 0,
                        "then": "",
                        "problems": self._problems.shown(),
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
        text = self._changed(self._in_words(action, facts))
        cause = action.cause if isinstance(action, do.Wait) else None
        if cause in UNHELPED and cause is not self._cause:
            log.info("%s", text)
        self._cause = cause
        penalties = self._penalized(chain, facts)
        step, steps, loss = self._progress.read()
        last = chain.round(chain.last_opened)
        phase = "none" if last is None else last.view.phase.name.lower()
        model_work = [work.describe() for work in facts.underway.running if work.lane is do.Lane.MODEL]
        aside = [work.describe() for work in facts.underway.running if isinstance(work, SiteWork)]
        busy = bool(model_work)
        self._bar.show("".join(model_work), step, steps if busy else 0, loss)
        self._health.turned(text, SENDING_SECONDS if isinstance(action, do.ChainAction) else 0)
        observe(chain, self._decimals, self._now())
        self._keeper.keep(chain, self._now())
        tell_moment(chain.last_opened, phase)
        self._look_at_problems(chain, facts)
        metrics.PROBLEMS.set(len(self._problems))
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
                peers=peers_known(),
                penalties=penalties,
                problems=self._problems.shown(),
                chain_time=chain.time,
                updated=self._now(),
            )
        )

    def _in_words(self, action: do.Action, facts: Facts) -> str:
        """What is done or waited for. Of the model's work also its stage, so that a time is that of what it names."""
        stage, text = self._progress.stage, action.describe()
        works = {work.describe() for work in facts.underway.running if work.lane is do.Lane.MODEL}
        return f"{text}: {stage}" if stage and text in works else text

    def _penalized(self, chain: Snapshot, facts: Facts) -> tuple[str, ...]:
        """Say what rounds cost: in the log once, elsewhere as long as nothing has made up for it."""
        told = penalties_in_words(chain, facts)
        for number, words in told.items():
            if number not in self._told_penalties:
                log.warning("PENALTY: %s", words)
        self._told_penalties |= told.keys()
        for reason, (count, cost) in figures(facts.remembered.penalties).items():
            metrics.PENALTIES.labels(reason.name.lower()).set(count)
            metrics.PENALTY_TOKENS.labels(reason.name.lower()).set(cost / 10**self._decimals)
        self._health.penalized(tuple(told.values()))
        return tuple(told.values())

    def _changed(self, text: str) -> str:
        """Note since when `text` is what the node does."""
        if text != self._activity[0]:
            self._activity = (text, self._now())
        return text

    def _then(self, action: do.Action) -> str:
        if not isinstance(action, do.ChainAction):
            return ""
        return f"its block and {self._confirmations} on top of that" if self._confirmations else "its block"

    def _look_at_problems(self, chain: Snapshot, facts: Facts) -> None:
        """End those that are over, and keep those that the chain shows."""
        if lasted := self._problems.over("chain"):
            log.info("the chain can be read again, after %s", lasted)
        open_rounds = {state.number for state in unsettled(chain)}
        for (number, proposal), verdict in facts.remembered.verdicts.items():
            if verdict.text and number in open_rounds:  # the log has it since it was judged
                self._problems.meet(("proposal", number, proposal), verdict.text, round_number=number)
        lasting: set[Hashable] = {
            action
            for action, setback in facts.underway.failing.items()
            if not (setback.for_good and (action.round_number or chain.last_opened) < chain.last_opened)
        }
        lasting |= facts.underway.running | ({"model"} if facts.failure else set())
        self._problems.look(lasting, open_rounds)

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

"""Scoring global adapters on the node's test data."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from fedprotocol import metrics
from fedprotocol.chain.read.snapshot import Snapshot
from fedprotocol.program.background import Body
from fedprotocol.tree import cid

from fednode.daemon.action_context import Tools
from fednode.daemon.actions.model.model_work import SiteWork
from fednode.daemon.facts import Facts
from fednode.evaluation.in_words import describe_score
from fednode.figure_files import SCORES, record
from fednode.site_data import scored_rows

if TYPE_CHECKING:
    from fednode.evaluation import Evaluation

log = logging.getLogger("fednode")


@dataclass(frozen=True)
class Evaluate(SiteWork):
    """Score a global adapter on the node's test data."""

    round: int
    root: bytes

    @staticmethod
    def due(chain: Snapshot, facts: Facts) -> Iterator[Evaluate]:
        """Every global that is here, the newest first."""
        if not facts.configured.has_test or facts.failure:
            return
        known = {**facts.remembered.recomputed, **facts.remembered.fetched}
        for number in sorted(known, reverse=True):
            if facts.remembered.evaluated.get(number) != known[number]:
                yield Evaluate(number, known[number])

    def describe(self) -> str:
        return f"evaluating the global of round {self.round}"

    def job(self, tools: Tools, chain: Snapshot, facts: Facts) -> Body:
        return lambda stop: self._score(tools, stop)

    def _score(self, tools: Tools, stop: threading.Event) -> Evaluation:
        test = scored_rows(tools.config)
        assert test is not None  # noqa: S101 - it is due only if there is one
        tools.model.begin(tools.model.global_units(self.root, stop), stop)
        return tools.model.score(test, stop)

    def ended(self, tools: Tools, result: Any, chain: Snapshot) -> None:
        own = tools.journal.update(self.round)
        prior = None if own is None or self.round == 0 else "0x" + own.prior_root.hex()
        entry = {
            "round": self.round,
            "prior_root": prior,
            "global_root": "0x" + self.root.hex(),
            "cid": cid(self.root),
            "recomputed": self.root in tools.memory.merged.get(self.round, {}).values(),
            **asdict(result),
            "update_bytes": own.car.stat().st_size if own is not None and own.car.is_file() else 0,
        }
        record(tools.config.metrics / SCORES, entry)
        tools.memory.note_evaluated(self.round, self.root)
        if self.round == max(tools.memory.evaluated):
            metrics.GLOBAL_LOSS.set(result.loss)
        log.info("round %d: the global scores %s", self.round, describe_score(result))

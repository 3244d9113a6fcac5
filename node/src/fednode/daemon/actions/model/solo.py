"""The site's own model, trained on its data alone for comparison: training it, and scoring it at the end."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from fedprotocol.chain.read.snapshot import Snapshot
from fedprotocol.files.private import private_folder
from fedprotocol.files.whole import PRIVATE, written_whole
from fedprotocol.program.background import Body

from fednode.config import NodeConfig
from fednode.daemon.action_context import Tools
from fednode.daemon.actions.model.model_work import SiteWork
from fednode.daemon.facts import Facts
from fednode.evaluation.in_words import describe_score
from fednode.figure_files import record
from fednode.site_data import solo_rows, train_rows
from fednode.training.step_files import write_steps
from fednode.training.update import moved

if TYPE_CHECKING:
    from fednode.evaluation import Evaluation

log = logging.getLogger("fednode")


@dataclass(frozen=True)
class TrainSolo(SiteWork):
    """One round's steps of the site's own model, for comparison."""

    round: int

    @staticmethod
    def due(chain: Snapshot, facts: Facts) -> Iterator[TrainSolo]:
        """For every round that the node trained an update of, the oldest first."""
        missing = _missing(facts)
        if missing and not facts.failure:
            yield TrainSolo(missing[0])

    def describe(self) -> str:
        return f"training the site's own model, round {self.round}"

    def job(self, tools: Tools, chain: Snapshot, facts: Facts) -> Body:
        previous = max((done for done in facts.remembered.solo_trained if done < self.round), default=0)
        return lambda stop: self._train(tools, previous, stop)

    def _train(self, tools: Tools, previous: int, stop: threading.Event) -> Path:
        """From round `previous` of it on (0: global 0)."""
        model, config = tools.model, tools.config
        genesis = bytes.fromhex(tools.spec.genesis_root[2:])
        start = np.load(_file(config, previous)) if previous else model.global_units(genesis, stop)
        model.begin(start, stop)
        result = model.fit(self.round, train_rows(config), stop)
        units = moved(start, result.units_delta)
        path = _file(config, self.round)
        private_folder(path.parent)
        write_steps(config.metrics / f"solo_round_{self.round}.csv", result.steps)
        with written_whole(path, PRIVATE) as file:
            np.save(file, units)
        return path

    def ended(self, tools: Tools, result: Any, chain: Snapshot) -> None:
        tools.memory.note_solo_trained(self.round)
        log.info("round %d: the site's own model is trained as far", self.round)


@dataclass(frozen=True)
class EvaluateSolo(SiteWork):
    """Score the site's own model after its last round."""

    round: int

    @staticmethod
    def due(chain: Snapshot, facts: Facts) -> Iterator[EvaluateSolo]:
        if not facts.configured.solo or not facts.configured.solo_test or facts.failure or _missing(facts):
            return
        if chain.is_over and facts.remembered.solo_trained:
            newest = max(facts.remembered.solo_trained)
            if newest not in facts.remembered.solo_evaluated:
                yield EvaluateSolo(newest)

    def describe(self) -> str:
        return "evaluating the site's own model"

    def job(self, tools: Tools, chain: Snapshot, facts: Facts) -> Body:
        return lambda stop: self._score(tools, stop)

    def _score(self, tools: Tools, stop: threading.Event) -> Evaluation:
        test = solo_rows(tools.config)
        assert test is not None  # noqa: S101 - required by the config where solo is enabled
        tools.model.begin(np.load(_file(tools.config, self.round)), stop)
        return tools.model.score(test, stop)

    def ended(self, tools: Tools, result: Any, chain: Snapshot) -> None:
        entry = {"round": self.round, "rounds_trained": len(tools.memory.solo_trained), **asdict(result)}
        record(tools.config.metrics / "solo.jsonl", entry)
        tools.memory.note_solo_evaluated(self.round)
        log.info("the site's own model scores %s", describe_score(result))


def _missing(facts: Facts) -> list[int]:
    """Rounds that the site's own model has not been trained for yet, the oldest first; none if there is no such
    model."""
    return sorted(facts.remembered.trained - facts.remembered.solo_trained) if facts.configured.solo else []


def _file(config: NodeConfig, number: int) -> Path:
    return config.solos / f"round_{number}.npy"

"""The base model with its adapter in several processes, which `[training] launch` starts."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
from fedprotocol.spec import Spec
from fedprotocol.store.base import Store

from fednode.config import NodeConfig
from fednode.daemon.actions.model.node_model import Interrupted, ModelFailure, NodeModel
from fednode.daemon.model_progress import ModelProgress
from fednode.data_source import Portion
from fednode.training.types import PrivateSteps, StepRecord, TrainingError, TrainResult
from fednode.workers.failures import raise_as_here
from fednode.workers.job import Job
from fednode.workers.workers import Stopped, Workers, WorkersFailed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fednode.evaluation import Evaluation

log = logging.getLogger("fednode")


class LaunchedModel(NodeModel):
    """`load` or the first use starts the processes."""

    def __init__(self, config: NodeConfig, spec: Spec, store: Store, progress: ModelProgress) -> None:
        super().__init__(config, spec, store, progress)
        self._workers = Workers.of(config, spec, config.workers, config.logs / "workers.log")
        self._adapter: NDArray[np.int32] | None = None

    def load(self, stop: threading.Event) -> None:
        if self._workers.are_ready:
            return
        log.info("starting the processes that train (%s)", self.config.training.launch)
        with self.progress.during("starting the processes that train"), _told():
            ready = self._workers.start(stop)
        self.progress.base = f"{ready.held}, by {ready.processes} process{'es' if ready.processes > 1 else ''}"
        log.info("the base model is loaded: %s", self.progress.base)

    def begin(self, units: NDArray[np.int32], stop: threading.Event) -> None:
        self.progress.set(0, 0)
        self.load(stop)
        self._adapter = units

    def fit(
        self,
        number: int,
        rows: Portion,
        stop: threading.Event,
        start: NDArray[np.float32] | None = None,
        private: PrivateSteps | None = None,
    ) -> TrainResult:
        if private is not None:
            raise TrainingError("[privacy] trains in one process: remove [training] launch")
        planned, steps = self.spec.training.steps, list[StepRecord]()

        def on_step(record: StepRecord) -> None:
            steps.append(record)
            self.progress.set(record.step, planned, record.loss)

        self.dataset(rows)  # a large file is copied once, and not by every process
        self.progress.set(0, planned)
        job = Job(kind="train", rows=rows, round=number, seed=self.config.node.seed)
        with _told():
            done, files = self._workers.run(job, self._begun, start, stop, on_step)
        delta: NDArray[np.float64] = np.load(files.delta)
        return TrainResult(delta, steps[0].loss, steps[-1].loss, steps, done.drawn, done.truncated)

    def score(self, rows: Portion, stop: threading.Event) -> Evaluation:
        self.dataset(rows)
        with _told():
            done, _ = self._workers.run(Job(kind="score", rows=rows), self._begun, None, stop, lambda _: None)
        if done.score is None:
            raise TrainingError("the processes scored nothing")
        return done.score

    def close(self) -> None:
        self._workers.close()

    @property
    def _begun(self) -> NDArray[np.int32]:
        if self._adapter is None:
            raise RuntimeError("`begin` comes first")
        return self._adapter


@contextmanager
def _told() -> Iterator[None]:
    """The workers' errors as those that the same work has in this process."""
    try:
        yield
    except Stopped as error:
        raise Interrupted("stopped") from error
    except WorkersFailed as error:
        if error.loading:
            raise ModelFailure(str(error)) from error
        raise_as_here(error)

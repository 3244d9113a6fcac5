"""The base model with its adapter in this process, loaded once."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any

from fedprotocol.errors import FedError
from fedprotocol.spec import Spec
from fedprotocol.store.base import Store

from fednode.config import NodeConfig
from fednode.daemon.actions.model.node_model import Interrupted, ModelFailure, NodeModel
from fednode.daemon.model_progress import ModelProgress
from fednode.data_source import Portion

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from fednode.evaluation import Evaluation, OnProgress
    from fednode.training import AdapterModel, PrivateSteps, StepRecord, TrainResult

log = logging.getLogger("fednode")


class LoadedModel(NodeModel):
    """`load` or the first use loads it."""

    def __init__(self, config: NodeConfig, spec: Spec, store: Store, progress: ModelProgress) -> None:
        super().__init__(config, spec, store, progress)
        self._loaded: AdapterModel | None = None

    def load(self, stop: threading.Event) -> None:
        self._model()

    def begin(self, units: NDArray[np.int32], stop: threading.Event) -> None:
        self.progress.set(0, 0)
        self._model().set_global(units)

    def fit(
        self,
        number: int,
        rows: Portion,
        stop: threading.Event,
        start: NDArray[np.float32] | None = None,
        private: PrivateSteps | None = None,
    ) -> TrainResult:
        steps = self.spec.training.steps

        def on_step(record: StepRecord) -> None:
            _check(stop)
            self.progress.set(record.step, steps, record.loss)

        self.progress.set(0, steps)
        seed, data = self.config.node.seed, self.dataset(rows)
        return self._model().train(self.spec, data, number, seed, _interruptible(stop), on_step, start, private)

    def score(self, rows: Portion, stop: threading.Event) -> Evaluation:
        def on_progress(done: int, total: int) -> None:
            _check(stop)
            self.progress.set(done, total)

        return self._model().evaluate(self.spec, self.dataset(rows), on_progress)

    def close(self) -> None:
        pass  # it has started nothing

    def _model(self) -> AdapterModel:
        """Raises ModelFailure."""
        if self._loaded is None:
            settings = self.config.model
            log.info("loading the base model %s", settings.source or self.spec.base_model.id)
            try:
                with self.progress.during("loading the base model"):
                    from fednode.training import AdapterModel

                    self._loaded = AdapterModel.load(self.spec, settings.source, settings.device, settings.threads)
            except FedError as error:
                raise ModelFailure(str(error)) from error
            self.progress.base = self._loaded.held
            log.info("the base model is loaded: %s", self._loaded.held)
        return self._loaded


def _check(stop: threading.Event) -> None:
    if stop.is_set():
        raise Interrupted("stopped")


def _interruptible(stop: threading.Event) -> OnProgress:
    def on_progress(*_: Any) -> None:
        _check(stop)

    return on_progress

"""The base model with its adapter, loaded once, and the data. Used in the model's thread, by one action at a time."""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fedprotocol.errors import FedError
from fedprotocol.spec import Spec
from fedprotocol.store.base import Store
from fedprotocol.store.deadline import Deadline

from fednode.config import NodeConfig
from fednode.daemon.model_progress import ModelProgress

if TYPE_CHECKING:
    import numpy as np
    from datasets import Dataset
    from numpy.typing import NDArray

    from fednode.evaluation import Evaluation, OnProgress
    from fednode.training import AdapterModel, PrivateSteps, StepRecord, TrainResult

log = logging.getLogger("fednode")


class ModelFailure(FedError):
    """The base model cannot be used here at all."""


class Interrupted(FedError):
    """Work on the model was stopped on purpose."""


class LoadedModel:
    """`load` or the first use loads it."""

    def __init__(self, config: NodeConfig, spec: Spec, store: Store, progress: ModelProgress) -> None:
        self._config = config
        self._spec = spec
        self._store = store
        self._progress = progress
        self._loaded: AdapterModel | None = None
        self._data: dict[Path, Dataset] = {}

    def begin(self, units: NDArray[np.int32]) -> None:
        """Start from the adapter `units`, int32 [value_count] in units of 2^-24."""
        self._progress.set(0, 0)
        self.load().set_global(units)

    def fit(
        self,
        number: int,
        data: Dataset,
        stop: threading.Event,
        start: NDArray[np.float32] | None = None,
        private: PrivateSteps | None = None,
    ) -> TrainResult:
        """The steps of round `number`, from the values `start`, float32 [value_count], if there are any; what was
        changed counts from where it began. `private`: with noise. Raises TrainingError, DataError, Interrupted."""
        steps = self._spec.training.steps

        def on_step(record: StepRecord) -> None:
            _check(stop)
            self._progress.set(record.step, steps, record.loss)

        self._progress.set(0, steps)
        seed = self._config.node.seed
        return self.load().train(self._spec, data, number, seed, _interruptible(stop), on_step, start, private)

    def score(self, path: Path, stop: threading.Event) -> Evaluation:
        """Score the present adapter on the rows of `path`. Raises DataError, Interrupted."""

        def on_progress(done: int, total: int) -> None:
            _check(stop)
            self._progress.set(done, total)

        return self.load().evaluate(self._spec, self.dataset(path), on_progress)

    def load(self) -> AdapterModel:
        """Raises ModelFailure."""
        if self._loaded is None:
            settings = self._config.model
            log.info("loading the base model %s", settings.source or self._spec.base_model.id)
            try:
                with self._progress.during("loading the base model"):
                    from fednode.training import AdapterModel

                    self._loaded = AdapterModel.load(self._spec, settings.source, settings.device, settings.threads)
            except FedError as error:
                raise ModelFailure(str(error)) from error
            self._progress.base = self._loaded.held
            log.info("the base model is loaded: %s", self._loaded.held)
        return self._loaded

    def dataset(self, path: Path) -> Dataset:
        """The rows of `path`, read once. Raises DataError."""
        if path not in self._data:
            with self._progress.during("reading the rows"):
                from fednode.site_data import site_rows

                self._data[path] = site_rows(self._config, path)
        return self._data[path]

    def global_units(self, root: bytes, stop: threading.Event) -> NDArray[np.int32]:
        """A global adapter from the own store. Raises StoreError."""
        layout = self._spec.layout
        with self._store.get(root, layout.global_shape, Deadline(stop=stop)) as leaves:
            return layout.weights(leaves)


def _check(stop: threading.Event) -> None:
    if stop.is_set():
        raise Interrupted("stopped")


def _interruptible(stop: threading.Event) -> OnProgress:
    def on_progress(*_: Any) -> None:
        _check(stop)

    return on_progress

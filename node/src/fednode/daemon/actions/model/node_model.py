"""The model as a node's work uses it, wherever it is: in this process, or in several others."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from fedprotocol.errors import FedError
from fedprotocol.spec import Spec
from fedprotocol.store.base import Store
from fedprotocol.store.deadline import Deadline

from fednode.config import NodeConfig
from fednode.daemon.model_progress import ModelProgress
from fednode.data_source import Portion

if TYPE_CHECKING:
    import numpy as np
    from datasets import Dataset
    from numpy.typing import NDArray

    from fednode.evaluation import Evaluation
    from fednode.training import PrivateSteps, TrainResult


class ModelFailure(FedError):
    """The base model cannot be used here at all."""


class Interrupted(FedError):
    """Work on the model was stopped on purpose."""


class NodeModel(ABC):
    """The base model with its adapter, and the site's rows. Used in the model's thread, by one action at a time. `stop`
    is the event that ends a work, by Interrupted."""

    def __init__(self, config: NodeConfig, spec: Spec, store: Store, progress: ModelProgress) -> None:
        self.config = config
        self.spec = spec
        self.progress = progress
        self._store = store
        self._data: dict[Portion, Dataset] = {}

    @abstractmethod
    def load(self, stop: threading.Event) -> None:
        """Load the base model unless it is there. Raises ModelFailure, Interrupted."""

    @abstractmethod
    def begin(self, units: NDArray[np.int32], stop: threading.Event) -> None:
        """Start from the adapter `units`, int32 [value_count] in units of 2^-24. Raises as `load` does."""

    @abstractmethod
    def fit(
        self,
        number: int,
        rows: Portion,
        stop: threading.Event,
        start: NDArray[np.float32] | None = None,
        private: PrivateSteps | None = None,
    ) -> TrainResult:
        """The steps of round `number` on `rows`, from the values `start`, float32 [value_count], if there
        are any; what was changed counts from where it began. `private`: with noise. Raises TrainingError, DataError,
        Interrupted."""

    @abstractmethod
    def score(self, rows: Portion, stop: threading.Event) -> Evaluation:
        """Score the present adapter on `rows`. Raises DataError, Interrupted."""

    @abstractmethod
    def close(self) -> None:
        """End what it has started."""

    def dataset(self, rows: Portion) -> Dataset:
        """`rows`, read once. Raises DataError."""
        if rows not in self._data:
            with self.progress.during("reading the rows"):
                from fednode.site_data import site_rows

                self._data[rows] = site_rows(self.config, rows, self.spec)
        return self._data[rows]

    def global_units(self, root: bytes, stop: threading.Event) -> NDArray[np.int32]:
        """A global adapter from the own store. Raises StoreError."""
        layout = self.spec.layout
        with self._store.get(root, layout.global_shape, Deadline(stop=stop)) as leaves:
            return layout.weights(leaves)

"""What needs the model: training, evaluation, the site's own model. Runs in the model's thread, one piece at a time."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from fedprotocol.errors import FedError
from fedprotocol.files.private import private_folder
from fedprotocol.files.tree_files import save_car
from fedprotocol.files.whole import PRIVATE, written_whole
from fedprotocol.spec import Spec
from fedprotocol.store.base import Store
from fedprotocol.store.deadline import Deadline

from fednode.config import NodeConfig
from fednode.daemon import actions as do
from fednode.daemon.metrics import write_steps
from fednode.daemon.progress import Progress
from fednode.training.update import make_update, moved

if TYPE_CHECKING:
    from collections.abc import Callable

    from datasets import Dataset
    from numpy.typing import NDArray

    from fednode.evaluation import Evaluation
    from fednode.training import AdapterModel, StepRecord, TrainResult

log = logging.getLogger("fednode")


class ModelFailure(FedError):
    """The base model cannot be used here at all."""


class Interrupted(FedError):
    """Work on the model was stopped on purpose."""


@dataclass(frozen=True)
class Trained:
    """An update that lies on disk and is not committed yet. Losses are nats per answer token."""

    round: int
    prior_root: bytes
    root: bytes
    shift: int
    examples: int
    salt: bytes
    car: Path
    loss_before: float
    loss_after: float
    clipped: int
    drawn: int  # rows that were used
    truncated: int  # of these, rows cut to the sequence length
    scaled: float  # factor that brought the delta within the spec's norm; 1: it was
    norm: float  # L2 of the update, in real values
    seconds: float


class ModelWork:
    """Holds the model, loaded once, and the data."""

    def __init__(self, config: NodeConfig, spec: Spec, store: Store, progress: Progress) -> None:
        self._config = config
        self._spec = spec
        self._store = store
        self._progress = progress
        self._loaded: AdapterModel | None = None
        self._data: dict[Path, Dataset] = {}

    def train(self, action: do.Train, stop: threading.Event) -> Trained:
        """Train a round, write update and figures. Raises ModelFailure, TrainingError, DataError, StoreError."""
        self._model()
        started = time.monotonic()
        self._begin(self._global(action.prior_root, stop))
        data = self._dataset(self._config.data.train)
        result = self._fit(action.round, data, stop)
        update = make_update(result.units_delta, self._spec, self._config.node.seed, action.round)
        root = update.leaves.root
        path = self._config.updates / f"round_{action.round}-{root.hex()[:16]}.car"
        car = save_car(update.leaves, path, private=True)
        write_steps(self._config.metrics / f"round_{action.round}.csv", result.steps)
        return Trained(
            round=action.round,
            prior_root=action.prior_root,
            root=root,
            shift=update.shift,
            examples=len(data),
            salt=secrets.token_bytes(32),
            car=car,
            loss_before=result.loss_first,
            loss_after=result.loss_last,
            clipped=update.clipped,
            drawn=result.drawn,
            truncated=result.truncated,
            scaled=update.scaled,
            norm=update.norm,
            seconds=time.monotonic() - started,
        )

    def evaluate(self, action: do.Evaluate, stop: threading.Event) -> Evaluation:
        """Score a global on the node's test data."""
        assert self._config.data.test is not None  # noqa: S101 - `decide` asks only if there is one
        self._begin(self._global(action.root, stop))
        return self._score(self._config.data.test, stop)

    def train_solo(self, action: do.TrainSolo, previous: int, stop: threading.Event) -> Path:
        """One round's steps on the site's own model, from round `previous` of it (0: global 0)."""
        start = np.load(self._solo_file(previous)) if previous else self._global(self._genesis(), stop)
        self._begin(start)
        result = self._fit(action.round, self._dataset(self._config.data.train), stop)
        units = moved(start, result.units_delta)
        path = self._solo_file(action.round)
        private_folder(path.parent)
        write_steps(self._config.metrics / f"solo_round_{action.round}.csv", result.steps)
        with written_whole(path, PRIVATE) as file:
            np.save(file, units)
        return path

    def evaluate_solo(self, action: do.EvaluateSolo, stop: threading.Event) -> Evaluation:
        """Score the site's own model on its test data."""
        assert self._config.solo.test is not None  # noqa: S101 - required by the config where solo is enabled
        self._begin(np.load(self._solo_file(action.round)))
        return self._score(self._config.solo.test, stop)

    def _begin(self, units: NDArray[np.int32]) -> None:
        self._progress.set(0, 0)
        self._model().set_global(units)

    def _fit(self, number: int, data: Dataset, stop: threading.Event) -> TrainResult:
        steps = self._spec.training.steps

        def on_step(record: StepRecord) -> None:
            _check(stop)
            self._progress.set(record.step, steps, record.loss)

        self._progress.set(0, steps)
        seed = self._config.node.seed
        return self._model().train(self._spec, data, number, seed, _interruptible(stop), on_step)

    def _score(self, path: Path, stop: threading.Event) -> Evaluation:
        def progress(done: int, total: int) -> None:
            _check(stop)
            self._progress.set(done, total)

        return self._model().evaluate(self._spec, self._dataset(path), progress)

    def _model(self) -> AdapterModel:
        if self._loaded is None:
            from fednode.training import AdapterModel

            settings = self._config.model
            log.info("loading the base model %s", settings.source or self._spec.base_model.id)
            try:
                self._loaded = AdapterModel.load(self._spec, settings.source, settings.device, settings.threads)
            except FedError as error:
                raise ModelFailure(str(error)) from error
            self._progress.base = self._loaded.held
            log.info("the base model is loaded: %s", self._loaded.held)
        return self._loaded

    def _dataset(self, path: Path) -> Dataset:
        if path not in self._data:
            from fednode.data import load_data

            self._data[path] = load_data(path)
        return self._data[path]

    def _global(self, root: bytes, stop: threading.Event) -> NDArray[np.int32]:
        layout = self._spec.layout
        with self._store.get(root, layout.global_shape, Deadline(stop=stop)) as leaves:
            return layout.weights(leaves)

    def _genesis(self) -> bytes:
        return bytes.fromhex(self._spec.genesis_root[2:])

    def _solo_file(self, number: int) -> Path:
        return self._config.solos / f"round_{number}.npy"


def _check(stop: threading.Event) -> None:
    if stop.is_set():
        raise Interrupted("stopped")


def _interruptible(stop: threading.Event) -> Callable[[int, int], None]:
    def progress(*_: Any) -> None:
        _check(stop)

    return progress

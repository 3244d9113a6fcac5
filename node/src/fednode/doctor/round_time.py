"""How long the work of a round takes on this machine, estimated from a few of its steps."""

from __future__ import annotations

import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fedprotocol.quantities import duration

from fednode.differential_privacy.budget import steps_of
from fednode.session import Session
from fednode.training.types import NearlyNothing, StepRecord, ZeroDelta

if TYPE_CHECKING:
    from datasets import Dataset
    from fedprotocol.spec import Spec

    from fednode.config import NodeConfig
    from fednode.training import AdapterModel

MEASURED_STEPS = 2  # the first one is slower than those that follow
SCORED = 32  # test rows that are scored to measure by


@dataclass(frozen=True)
class RoundTime:
    """Seconds. `train`: from the global to the update on disk, which must fit into Train: rows are read, those that are
    drawn are encoded, every step is made, what it changed is encoded and written. `evaluate`: the test rows are read,
    encoded and scored, `rows` of them, when the round is over; None without test rows. `processes`: how many were
    started for it; 0: none."""

    train: float
    evaluate: float | None
    rows: int
    processes: int = 0

    def __str__(self) -> str:
        text = f"measured, from reading the rows to the encoded update it would take {duration(self.train)} here"
        if self.processes:
            text += f" by {self.processes} process{'es' if self.processes > 1 else ''}"
        if self.evaluate is not None:
            text += f", and {duration(self.evaluate)} to score {self.rows} test rows"
        return text


def measured(session: Session) -> RoundTime:
    """The times of a round that starts from the latest global. Raises BaseModelMissing, TrainingError, EncodingError,
    DataError, StoreError; where `[training] launch` starts processes, WorkersEnded and WorkersFailed too."""
    if not session.config.training.is_alone:
        return _together(session)
    from fednode.global_model.loaded import load_model
    from fednode.site_data import scored_rows, site_rows, train_rows
    from fednode.site_model import locate_here

    spec = session.spec
    locate_here(session.config.model, spec)
    _, root = session.coordinator.latest_final()
    loaded = load_model(session)
    began = time.monotonic()
    with session.store.get(root, spec.layout.global_shape) as leaves:
        loaded.set_global(spec.layout.weights(leaves))
    rows = site_rows(session.config, train_rows(session.config), spec)
    train = time.monotonic() - began + _training(loaded, spec, rows, session.config)
    held_out = scored_rows(session.config)
    if held_out is None:
        return RoundTime(train, None, 0)
    began = time.monotonic()
    tested = site_rows(session.config, held_out, spec)
    read = time.monotonic() - began
    return RoundTime(train, read + _scoring(loaded, spec, tested), len(tested))


def _together(session: Session) -> RoundTime:
    """With the processes that train here; test rows are not scored."""
    from fednode.site_data import train_rows
    from fednode.workers.failures import raise_as_here
    from fednode.workers.job import Job
    from fednode.workers.workers import Workers, WorkersFailed

    config, spec = session.config, session.spec
    few = spec.with_steps(min(MEASURED_STEPS, spec.training.steps))
    left = spec.training.steps - few.training.steps
    steps: list[StepRecord] = []
    with tempfile.TemporaryDirectory(prefix="doctor-", dir=config.home) as folder:
        workers = Workers.of(config, few, Path(folder) / "workers", Path(folder) / "workers.log")
        try:
            ready = workers.start(threading.Event())
            began = time.monotonic()
            with session.store.get(session.coordinator.latest_final()[1], spec.layout.global_shape) as leaves:
                units = spec.layout.weights(leaves)
            job = Job(kind="train", rows=train_rows(config), round=1, seed=config.node.seed)
            try:
                workers.run(job, units, None, threading.Event(), steps.append)
            except WorkersFailed as error:
                if not left or error.kind not in (ZeroDelta.__name__, NearlyNothing.__name__):
                    raise_as_here(error)
            took = time.monotonic() - began
        finally:
            workers.close()
    return RoundTime(took + left * steps[-1].seconds, None, 0, ready.processes)


def _training(model: AdapterModel, spec: Spec, rows: Dataset, config: NodeConfig) -> float:
    """Seconds of all steps, with noise if the site adds it, and of what comes before and after them."""
    from fedprotocol.files.tree_files import save_car

    from fednode.training.update import make_update

    seed, private = config.node.seed, steps_of(config.privacy) if config.privacy is not None else None
    some = min(MEASURED_STEPS, spec.training.steps)
    few = spec.with_steps(some)
    steps: list[StepRecord] = []
    began = time.monotonic()
    try:
        result = model.train(few, rows, 1, seed, on_step=steps.append, private=private)
        update = make_update(result.units_delta, spec, seed, 1)
        with tempfile.TemporaryDirectory() as folder:
            save_car(update.leaves, Path(folder) / "update.car", private=True)
    except (ZeroDelta, NearlyNothing):
        if some == spec.training.steps:  # else all of them may come to more
            raise
    return time.monotonic() - began + (spec.training.steps - some) * steps[-1].seconds


def _scoring(model: AdapterModel, spec: Spec, rows: Dataset) -> float:
    """Seconds of all rows, by the first of them."""
    some = min(SCORED, len(rows))
    began = time.monotonic()
    model.evaluate(spec, rows.select(range(some)))
    return (time.monotonic() - began) * len(rows) / some

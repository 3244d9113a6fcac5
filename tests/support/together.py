"""Processes that train one model together, and the comparison with one process that does the same alone."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fednode.config import DataConfig, ModelConfig, TrainingConfig
from fednode.data import load_data
from fednode.data_source import portion
from fednode.training import AdapterModel, StepRecord
from fednode.workers.job import Done, Job, Settings
from fednode.workers.launch import command
from fednode.workers.workers import Workers
from fedprotocol.spec import Spec

TOGETHER = TrainingConfig(launch="torchrun", processes=2)


def made(home: Path, spec: Spec, train: Path, training: TrainingConfig = TOGETHER, **model: Any) -> Workers:
    settings = Settings(
        model=ModelConfig(**model), data=DataConfig(train=train), rows=home / "rows", shard=training.shard
    )
    return Workers(
        home / "workers", settings, spec, lambda folder: command(training, "cpu", folder), home / "workers.log"
    )


def trained(
    workers: Workers, path: Path, units: Any, stop: threading.Event | None = None, number: int = 2
) -> tuple[Done, Any, list[StepRecord]]:
    """How the job of round `number` ended, what training changed, and its steps."""
    steps: list[StepRecord] = []
    job = Job(kind="train", rows=portion(path), round=number, seed=5)
    done, files = workers.run(job, units, None, stop or threading.Event(), steps.append)
    return done, np.load(files.delta), steps


def assert_as_alone(workers: Workers, spec: Spec, units: Any, train: Path, number: int = 2) -> Any:
    """Training and scoring by `workers` are those of one process, but for rounding; returns what training changed."""
    alone = AdapterModel.load(spec, None, "cpu", 1)
    alone.set_global(units)
    one = alone.train(spec, load_data(train), number, seed=5)
    done, delta, steps = trained(workers, train, units, number=number)
    assert (done.drawn, done.truncated) == (one.drawn, one.truncated)
    assert [step.tokens for step in steps] == [step.tokens for step in one.steps]
    assert [step.loss for step in steps] == pytest.approx([step.loss for step in one.steps], rel=1e-4)
    assert np.abs(delta - one.units_delta).max() < 1e-3 * np.abs(one.units_delta).max()

    alone.set_global(units)
    score = workers.run(Job(kind="score", rows=portion(train)), units, None, threading.Event(), print)[0].score
    whole = alone.evaluate(spec, load_data(train))
    assert score is not None
    assert (score.items, score.accuracy) == (whole.items, whole.accuracy)
    assert score.loss == pytest.approx(whole.loss, rel=1e-5)
    return delta

"""Two real processes that train one model together, of which each holds a part, beside one process with all of it."""

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
from fednode.workers.job import Job, Settings
from fednode.workers.launch import command
from fednode.workers.workers import Workers
from fedprotocol.quantities import size
from support.tiny_model import colour_rows, write_jsonl
from support.tiny_spec import tiny_spec

pytestmark = [pytest.mark.process, pytest.mark.model]

ROWS = 33
"""In batches of four the last one of an epoch has one row, so that a process has none; and to score, one process has 17
rows, which are two passes, and the other 16, which are one."""


def layer_bytes(model: AdapterModel) -> int:
    """Of the frozen weights of all layers."""
    named = model._model.named_parameters()
    return sum(value.nbytes for name, value in named if ".layers." in name and "lora_" not in name)


@pytest.mark.parametrize("kind", ["fp32", "nf4"])
def test_two_processes_take_the_steps_of_one(kind: str, tiny_folder: Path, tmp_path: Path) -> None:
    changes: dict[str, Any] = {"steps": 5, "batch_size": 4, "gradient_accumulation": 2, "gradient_checkpointing": True}
    spec, adapter = tiny_spec(tiny_folder, kind, **changes)
    train = write_jsonl(tmp_path / "train.jsonl", colour_rows(ROWS))
    alone = AdapterModel.load(spec, None, "cpu", 1)
    alone.set_global(adapter.units)
    one = alone.train(spec, load_data(train), 1, seed=5)
    alone.set_global(adapter.units)
    whole = alone.evaluate(spec, load_data(train))

    settings = Settings(model=ModelConfig(), data=DataConfig(train=train), rows=tmp_path / "rows", shard=True)
    config = TrainingConfig(launch="torchrun", processes=2, shard=True)
    workers = Workers(
        tmp_path / "workers", settings, spec, lambda folder: command(config, "cpu", folder), tmp_path / "workers.log"
    )
    stop, steps = threading.Event(), list[StepRecord]()
    try:
        ready = workers.start(stop)
        assert f", {size(layer_bytes(alone) // 2)} of its layers in each process" in ready.held
        score = workers.run(Job(kind="score", rows=portion(train)), adapter.units, None, stop, print)[0].score
        done, files = workers.run(
            Job(kind="train", rows=portion(train), round=1, seed=5), adapter.units, None, stop, steps.append
        )
        delta = np.load(files.delta)
    finally:
        workers.close()
    assert score is not None
    assert (score.items, score.accuracy) == (whole.items, whole.accuracy)
    assert score.loss == pytest.approx(whole.loss, rel=1e-5)
    assert (done.drawn, done.truncated) == (one.drawn, one.truncated)
    assert [step.tokens for step in steps] == [step.tokens for step in one.steps]
    assert [step.loss for step in steps] == pytest.approx([step.loss for step in one.steps], rel=1e-4)
    assert np.abs(delta - one.units_delta).max() < 1e-3 * np.abs(one.units_delta).max()

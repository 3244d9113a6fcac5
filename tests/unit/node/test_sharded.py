"""Two real processes that train one model together, of which each holds a part, beside one process with all of it."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from fednode.config import TrainingConfig
from fednode.training import AdapterModel
from fedprotocol.quantities import size
from fedprotocol.spec import Spec
from support.tiny_model import colour_rows, write_jsonl
from support.tiny_spec import tiny_spec
from support.together import assert_as_alone, made

pytestmark = [pytest.mark.process, pytest.mark.model]

SHARDED = TrainingConfig(launch="torchrun", processes=2, shard=True)
ROWS = 33
"""In batches of four the last one of an epoch has one row, so that a process has none; and to score, one process has 17
rows, which are two passes, and the other 16, which are one."""


def layer_bytes(spec: Spec) -> int:
    """Of the frozen weights of all layers, in a process that holds all of them."""
    named = AdapterModel.load(spec, None, "cpu", 1)._model.named_parameters()
    return sum(value.nbytes for name, value in named if ".layers." in name and "lora_" not in name)


@pytest.mark.parametrize("kind", ["fp32", "nf4"])
def test_two_processes_take_the_steps_of_one(kind: str, tiny_folder: Path, tmp_path: Path) -> None:
    spec, adapter = tiny_spec(
        tiny_folder, kind, steps=5, batch_size=4, gradient_accumulation=2, gradient_checkpointing=True
    )
    train = write_jsonl(tmp_path / "train.jsonl", colour_rows(ROWS))
    workers = made(tmp_path, spec, train, SHARDED)
    try:
        ready = workers.start(threading.Event())
        assert f", {size(layer_bytes(spec) // 2)} of its layers in each process" in ready.held
        assert_as_alone(workers, spec, adapter.units, train, number=1)
    finally:
        workers.close()

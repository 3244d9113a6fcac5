"""On a GPU (`make cuda`): four bits are held there, and it comes to what a CPU comes to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from fednode.data import load_data
from fednode.training import AdapterModel
from support.tiny_model import build_tiny_model, colour_rows, write_jsonl
from support.tiny_spec import tiny_spec


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_tiny_model(tmp_path_factory.mktemp("tiny-model"))


def loaded(folder: Path, kind: str, device: str) -> AdapterModel:
    spec, adapter = tiny_spec(folder, kind)
    model = AdapterModel.load(spec, None, device, 1)
    model.set_global(adapter.units)
    return model


@pytest.mark.parametrize(("kind", "dtype"), [("nf4", torch.uint8), ("bf16", torch.bfloat16), ("fp32", torch.float32)])
def test_the_frozen_weights_are_held_on_the_gpu_as_the_spec_says(folder: Path, kind: str, dtype: torch.dtype) -> None:
    model = loaded(folder, kind, "cuda")
    frozen = [(name, value) for name, value in model._model.named_parameters() if "lora_" not in name]
    assert all(value.is_cuda for _, value in frozen)
    assert {value.dtype for name, value in frozen if name.endswith("q_proj.base_layer.weight")} == {dtype}
    assert all(value.dtype == torch.float32 and value.is_cuda for value in model._parameters)


@pytest.mark.parametrize(("kind", "near"), [("fp32", 1e-3), ("nf4", 0.1)])
def test_a_gpu_comes_to_what_a_cpu_comes_to(folder: Path, tmp_path: Path, kind: str, near: float) -> None:
    spec, _ = tiny_spec(folder, kind, optimizer="sgd", learning_rate=0.05)
    data = load_data(write_jsonl(tmp_path / "train.jsonl", colour_rows(80)))
    test = load_data(write_jsonl(tmp_path / "test.jsonl", colour_rows(40, seed=1)))
    found = {}
    for device in ("cpu", "cuda"):
        model = loaded(folder, kind, device)
        delta = model.train(spec, data, 1, seed=3).units_delta.astype(np.float64)
        found[device] = delta, model.evaluate(spec, test)
    (cpu, scored), (gpu, scored_there) = found["cpu"], found["cuda"]
    assert np.linalg.norm(gpu - cpu) < near * np.linalg.norm(cpu)
    assert scored_there.loss == pytest.approx(scored.loss, rel=near)


def test_a_batch_padded_to_64_tokens_gives_finite_gradients(folder: Path, tmp_path: Path) -> None:
    """cuDNN's attention does not, with a mask, at lengths of 64 modulo 128 (pytorch issue 196678)."""
    long = {"prompt": "rose " * 200, "completion": " red", "domain": "x"}
    data = load_data(write_jsonl(tmp_path / "train.jsonl", [long, *colour_rows(7)]))
    spec, adapter = tiny_spec(folder, "bf16", steps=3, sequence_length=64)
    model = AdapterModel.load(spec, None, "cuda", 1)
    model.set_global(adapter.units)
    assert len(model.encoder.example(long["prompt"], " red").input_ids) == 64
    assert np.isfinite([step.loss for step in model.train(spec, data, 1, seed=0).steps]).all()

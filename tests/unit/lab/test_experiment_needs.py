"""Models of a shape: what is written is what is counted, and it can be trained."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from fedlab.experiment.measured_needs import measure, write_model
from fedlab.experiment.needs import Shape
from safetensors.torch import load_file

TIED = Shape("tiny", hidden=64, layers=2, intermediate=96, heads=4, kv_heads=2, vocabulary=512, tied=True)


@pytest.mark.parametrize("tied", [True, False])
def test_a_model_is_written_with_the_parameters_that_its_shape_counts(tmp_path: Path, tied: bool) -> None:
    shape = dataclasses.replace(TIED, tied=tied)
    write_model(shape, tmp_path, "cpu")
    written = load_file(tmp_path / "model.safetensors")
    assert sum(tensor.numel() for tensor in written.values()) == shape.linear + shape.other


@pytest.mark.parametrize("kind", ["nf4", "bf16"])
def test_it_is_trained_by_what_nodes_train_with(tmp_path: Path, kind: str) -> None:
    write_model(TIED, tmp_path, "cpu")
    found = measure(TIED, kind, tmp_path, "cpu")
    assert (found["model"], found["kind"]) == ("tiny", kind)
    assert found["step_seconds"] > 0
    assert found["peak_bytes"] >= found["weights_bytes"]

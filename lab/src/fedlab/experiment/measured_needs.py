"""Measure what it takes to train models of other sizes: the shapes in `needs`, with random weights.

    python -m fedlab.experiment.measured_needs cuda all_losses/experiments/claims/needs.json

Memory and seconds do not depend on the weights' values. Loading, adapter and training use the nodes' own code.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fedprotocol.errors import FedError
from fedprotocol.files.whole import write_whole
from fedprotocol.program.terminal import run_program, say_error

from fedlab.experiment import peak_memory
from fedlab.experiment.machine import machine
from fedlab.experiment.models import lora_of, quantization_of, training_of
from fedlab.experiment.needs import RANK, SHAPES, Shape
from fedlab.experiment.precision import KINDS
from fedlab.experiment.settings import Settings

if TYPE_CHECKING:
    from fednode.data.encode import Example

SETTINGS = Settings(rounds=1, steps=6, batch_size=8, sequence_length=64, learning_rate=1e-3, rank=RANK)


def write_model(shape: Shape, folder: Path, device: str) -> None:
    """A Llama of the shape with random weights of 16 bits."""
    import torch
    from fednode.base_model.quiet_libraries import quiet
    from transformers import AutoModelForCausalLM, LlamaConfig

    quiet()
    config = LlamaConfig(
        hidden_size=shape.hidden,
        num_hidden_layers=shape.layers,
        intermediate_size=shape.intermediate,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        vocab_size=shape.vocabulary,
        tie_word_embeddings=shape.tied,
    )
    with torch.device(device):
        AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16).save_pretrained(folder)


def measure(shape: Shape, kind: str, folder: Path, device: str) -> dict[str, Any]:
    """The bytes of the frozen weights, the bytes at the peak of training, and the seconds of the fastest step (the
    first steps are slower)."""
    from fednode.base_model import load_base
    from fednode.data.padding import left_padded
    from fednode.training.adapter import attach
    from fednode.training.trainer import run_steps

    peak_memory.begin(device)
    empty = peak_memory.peak(device)
    settings = SETTINGS.model_copy(update={"quantization": kind})
    base = load_base(folder, quantization_of(settings), device)
    peak_memory.begin(device)
    weights = peak_memory.peak(device) - empty
    model = attach(base, lora_of(settings))
    training, rate = training_of(settings), settings.learning_rate
    steps = run_steps(model, _examples(shape), lambda chosen: left_padded(chosen, 0), training, rate, 0, None, None)
    return {
        "model": shape.name,
        "kind": kind,
        "weights_bytes": weights,
        "peak_bytes": peak_memory.peak(device) - empty,
        "step_seconds": min(step.seconds for step in steps),
    }


def _examples(shape: Shape) -> list[Example]:
    import numpy as np
    from fednode.data.encode import Example

    rows, length = SETTINGS.batch_size * SETTINGS.steps, SETTINGS.sequence_length
    ids = np.random.default_rng(0).integers(shape.vocabulary, size=(rows, length))
    return [Example(row.tolist(), length - 8, False, False) for row in ids]


def main(arguments: Sequence[str]) -> int:
    """Measure and write. Returns the exit status."""
    if len(arguments) != 2 or arguments[0] not in ("cpu", "cuda"):
        print("usage: python -m fedlab.experiment.measured_needs cpu|cuda OUT.json", file=sys.stderr)
        return 2
    device, out = arguments[0], Path(arguments[1])
    found = []
    try:
        for shape in SHAPES:
            with tempfile.TemporaryDirectory(prefix="shape-") as folder:
                write_model(shape, Path(folder), device)
                for kind in KINDS:
                    found.append(measure(shape, kind, Path(folder), device))
                    print(found[-1], flush=True)
    except FedError as error:
        say_error(error)
        return error.exit_code
    sizes = {"batch_size": SETTINGS.batch_size, "sequence_length": SETTINGS.sequence_length}
    written = {"machine": machine(device), **sizes, "shapes": found}
    write_whole(out, json.dumps(written, indent=1) + "\n")
    print(f"wrote {out}")
    return 0


if __name__ == "__main__":
    run_program(lambda: sys.exit(main(sys.argv[1:])))

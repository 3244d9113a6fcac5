"""What models of other sizes take to train, measured: the shapes of `needs`, with random weights.

    python -m fednode.experiment.measured_needs cuda all_losses/claims/needs.json

Memory and seconds do not depend on the weights' values. Loading, adapter and training are the nodes' own.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fedprotocol.errors import FedError
from fedprotocol.spec import Lora
from fedprotocol.spec import Quantization as SpecQuantization
from fedprotocol.spec import Training as SpecTraining

from fednode.experiment import memory
from fednode.experiment.machine import machine
from fednode.experiment.needs import RANK, SHAPES, Shape
from fednode.experiment.precision import KINDS

if TYPE_CHECKING:
    from fednode.data.encode import Example

BATCH, LENGTH, STEPS = 8, 64, 6
LORA = Lora(r=RANK, alpha=2 * RANK, dropout=0.0, target_modules=("q_proj", "v_proj"), factors="both")
TRAINING = SpecTraining(
    rounds=1,
    steps=STEPS,
    batch_size=BATCH,
    gradient_accumulation=1,
    sequence_length=LENGTH,
    optimizer="adamw_torch",
    learning_rate=1e-3,
    schedule="constant",
    final_learning_rate_ratio=1.0,
    weight_decay=0.0,
    max_grad_norm=1.0,
    gradient_checkpointing=False,
    proximal_mu=0.0,
)


def write_model(shape: Shape, folder: Path, device: str) -> None:
    """A Llama of the shape with random weights of 16 bits."""
    import torch
    from transformers import AutoModelForCausalLM, LlamaConfig

    from fednode.base_model.quiet import quiet

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
    """Bytes of the frozen weights and at the peak of training, seconds of the fastest step: the first ones warm up."""
    from fednode.base_model import load_base
    from fednode.data.encode import left_padded
    from fednode.training.adapter import attach
    from fednode.training.trainer import run_steps

    memory.begin(device)
    empty = memory.peak(device)
    quantization = SpecQuantization.model_validate({"kind": kind, "double_quant": True, "compute_dtype": "bf16"})
    base = load_base(folder, quantization, device)
    memory.begin(device)
    weights = memory.peak(device) - empty
    model = attach(base, LORA)
    examples = _examples(shape)
    steps = run_steps(model, examples, lambda chosen: left_padded(chosen, 0), TRAINING, 1e-3, 0, None, None)
    return {
        "model": shape.name,
        "kind": kind,
        "weights_bytes": weights,
        "peak_bytes": memory.peak(device) - empty,
        "step_seconds": min(step.seconds for step in steps),
    }


def _examples(shape: Shape) -> list[Example]:
    import numpy as np

    from fednode.data.encode import Example

    ids = np.random.default_rng(0).integers(shape.vocabulary, size=(BATCH * STEPS, LENGTH))
    return [Example(row.tolist(), LENGTH - 8, False, False) for row in ids]


def main(arguments: Sequence[str]) -> int:
    """Exit status."""
    if len(arguments) != 2 or arguments[0] not in ("cpu", "cuda"):
        print("usage: python -m fednode.experiment.measured_needs cpu|cuda OUT.json", file=sys.stderr)
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
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    said = {"machine": machine(device), "batch_size": BATCH, "sequence_length": LENGTH, "shapes": found}
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")
    print(f"wrote {out}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

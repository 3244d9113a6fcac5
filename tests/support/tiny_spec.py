"""A valid spec of the tiny model, to vary in tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fednode.sponsor.bounds import ChosenBounds, bounds_of
from fednode.training import NewAdapter, new_adapter
from fedprotocol.spec import Evaluation, Layout, Lora, Prompt, Quantization, Spec, Training
from support.tiny_model import CLASSES, TEMPLATE

LORA = Lora(r=8, alpha=16, dropout=0.0, target_modules=("q_proj", "v_proj", "down_proj"), factors="both")


def tiny_spec(
    folder: Path,
    kind: str = "nf4",
    lora: Lora = LORA,
    seed: int = 0,
    evaluation: Evaluation | None = None,
    bounds: ChosenBounds | None = None,
    **training: Any,
) -> tuple[Spec, NewAdapter]:
    """The spec and global 0 of an adapter on the tiny model in `folder`; `training` replaces single settings."""
    adapter = new_adapter(lora, str(folder), seed)
    settings: dict[str, Any] = {
        "rounds": 3,
        "steps": 6,
        "batch_size": 8,
        "gradient_accumulation": 1,
        "sequence_length": 48,
        "optimizer": "adamw_torch",
        "learning_rate": 1e-2,
        "schedule": "constant",
        "final_learning_rate_ratio": 1.0,
        "weight_decay": 0.0,
        "max_grad_norm": 1.0,
        "gradient_checkpointing": False,
        "proximal_mu": 0.0,
    }
    layout = Layout(tensors=adapter.tensors, leaf_values=256, mantissa_bits=8, parts=1)
    of_training = Training(**(settings | training))
    spec = Spec(
        version=1,
        name="tiny",
        base_model=adapter.base.named(str(folder), None),
        lora=lora,
        quantization=Quantization(kind=kind, double_quant=True, compute_dtype="bf16"),
        layout=layout,
        prompt=Prompt(template=TEMPLATE),
        training=of_training,
        evaluation=evaluation or Evaluation(classes=CLASSES),
        bounds=bounds_of(bounds or ChosenBounds(), of_training, lora, layout, 1 << 16, adapter.units),
        rule="fedavg",
        server_lr=1 << 16,
        genesis_root="0x" + "00" * 32,
    )
    return spec, adapter

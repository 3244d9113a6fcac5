"""A valid spec document, small enough to play with."""

from __future__ import annotations

import json
from typing import Any

BASE_MODEL: dict[str, Any] = {
    "id": "tiny",
    "revision": None,
    "digest": "0x" + "11" * 32,
    "config": {"model_type": "llama", "rms_norm_eps": 1e-6, "rope_parameters.factor": 8.0},
    "tokenizer": {
        "size": 448,
        "vocabulary": "0x" + "33" * 32,
        "start": [],
        "end": 0,
        "texts": [{"text": "a b", "tokens": [65, 0, 66]}],
    },
}
DOCUMENT: dict[str, Any] = {
    "version": 1,
    "name": "small",
    "base_model": BASE_MODEL,
    "lora": {"r": 2, "alpha": 4, "dropout": 0.0, "target_modules": ["q_proj"], "factors": "both"},
    "quantization": {"kind": "fp32", "double_quant": False, "compute_dtype": "fp32"},
    "layout": {"tensors": [{"name": "a", "shape": [10, 20]}], "leaf_values": 32, "mantissa_bits": 8, "parts": 1},
    "prompt": {"template": "{prompt} ="},
    "training": {
        "rounds": 3,
        "steps": 1,
        "batch_size": 1,
        "gradient_accumulation": 1,
        "sequence_length": 16,
        "optimizer": "adamw_torch",
        "learning_rate": 0.001,
        "schedule": "constant",
        "final_learning_rate_ratio": 1.0,
        "weight_decay": 0.0,
        "max_grad_norm": 1.0,
        "gradient_checkpointing": False,
        "proximal_mu": 0.0,
    },
    "evaluation": {"classes": None},
    "bounds": {"max_shift": 12, "max_norm": 1.5, "min_norm": 1e-3},
    "rule": "fedavg",
    "server_lr": 65_536,
    "genesis_root": "0x" + "22" * 32,
}


def small_spec(**changes: Any) -> bytes:
    """The document, with top-level fields replaced."""
    return json.dumps({**DOCUMENT, **changes}).encode()

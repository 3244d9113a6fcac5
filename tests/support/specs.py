"""A valid spec document, small enough to play with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from fednode.sponsor.new_spec import GENESIS_FILE
from fedprotocol.car import MemoryLeaves
from fedprotocol.files.tree_files import save_car
from fedprotocol.spec import load_spec

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

MASKED: dict[str, Any] = {
    "rule": "masked-mean",
    "layout": {**DOCUMENT["layout"], "mantissa_bits": 32},
    "bounds": {**DOCUMENT["bounds"], "max_shift": 0},
    "masking": {"scale": 4, "bound": 1000},
}
"""What a masked federation changes in it."""


def small_spec(**changes: Any) -> bytes:
    """The document, with top-level fields replaced."""
    return json.dumps({**DOCUMENT, **changes}).encode()


def small_federation(file: Path, **changes: Any) -> bytes:
    """Write the document to `file`, and beside it the global 0 of zeros that it names; returns the document."""
    shape = load_spec(small_spec(**changes)).layout.global_shape
    genesis = MemoryLeaves([bytes(shape.leaf_bytes)] * shape.leaf_count)
    document = small_spec(genesis_root="0x" + genesis.root.hex(), **changes)
    save_car(genesis, file.with_name(GENESIS_FILE))
    file.write_bytes(document)
    return document

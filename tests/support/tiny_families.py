"""Random models of two layers in the shapes of other architectures than Llama, each with its modules for LoRA."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.tiny_model import tiny_tokenizer

VOCABULARY = 448
POSITIONS = 64
_SHAPE = {
    "vocab_size": VOCABULARY,
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "max_position_embeddings": POSITIONS,
    "initializer_range": 0.2,
    "bos_token_id": None,
    "pad_token_id": None,
}


@dataclass(frozen=True)
class Family:
    """`changes`: to the config, beside the common shape; `targets`: all that one trains of it, usually."""

    model_type: str
    targets: tuple[str, ...]
    changes: Mapping[str, Any]


_QWEN = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
_MLP = {"intermediate_size": 128, "num_key_value_heads": 1}
FAMILIES = {
    # Conv1D for Linear, positions learned, head tied; dropout of its own, off where results are compared
    "gpt2": Family("gpt2", ("c_attn", "c_proj", "c_fc"), {"resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0}),
    # biases on q, k and v, head tied as in the small ones
    "qwen2": Family("qwen2", _QWEN, {**_MLP, "tie_word_embeddings": True}),
    # norms on q and k, heads wider than the hidden size allows
    "qwen3": Family("qwen3", _QWEN, {**_MLP, "head_dim": 48}),
    # biases everywhere, also on the head; rotary on a part of each head; attention and MLP side by side
    "phi": Family("phi", ("q_proj", "k_proj", "v_proj", "dense", "fc1", "fc2"), {**_MLP, "partial_rotary_factor": 0.5}),
    # q, k and v in one module, gate and up in one
    "phi3": Family(
        "phi3", ("qkv_proj", "o_proj", "gate_up_proj", "down_proj"), {**_MLP, "original_max_position_embeddings": 64}
    ),
}

_EXPERTS = {**_MLP, "moe_intermediate_size": 64, "num_experts": 4, "num_experts_per_tok": 2, "num_local_experts": 4}
WIDE = {
    # a class of its own for Linear, which bitsandbytes does not replace
    "falcon": Family("falcon", ("query_key_value",), {}),
    # the experts' weights in one tensor, no Linear at all
    "mixtral": Family("mixtral", ("q_proj", "v_proj"), _EXPERTS),
    "qwen3_moe": Family("qwen3_moe", ("q_proj", "v_proj"), {**_EXPERTS, "head_dim": 32}),
    "gpt_oss": Family("gpt_oss", ("q_proj", "v_proj"), {**_EXPERTS, "head_dim": 32}),
}
"""Most of whose weights stay in 16 bits."""
_AS_LLAMA = {
    "mistral": Family("mistral", _QWEN, {**_MLP, "head_dim": 32, "sliding_window": None}),
}
_SPLIT = {
    # stored as one tensor where the model has four
    "hrm_text": Family("hrm_text", ("q_proj", "v_proj"), _MLP),
}


def build_family(folder: Path, name: str, seed: int = 0) -> Path:
    """Write config, float32 safetensors and tokenizer of the family into `folder`; returns it."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    family, tokenizer = (FAMILIES | WIDE | _AS_LLAMA | _SPLIT)[name], tiny_tokenizer(vocabulary=VOCABULARY)
    config = AutoConfig.for_model(
        family.model_type, **{**_SHAPE, "eos_token_id": tokenizer.eos_token_id, **family.changes}
    )
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_config(config)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder

"""The tiny model as llama.cpp would write it: a GGUF with float32 weights, written by the gguf package."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from safetensors.numpy import load_file

_NAMES = {
    "model.embed_tokens": "token_embd",
    "model.norm": "output_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "post_attention_layernorm": "ffn_norm",
    "input_layernorm": "attn_norm",
    "model.layers.": "blk.",
}


def write_gguf(folder: Path, path: Path, more: Callable[[gguf.GGUFWriter], None] = lambda _: None) -> Path:
    """Write the Llama in `folder` (config, safetensors, byte-level BPE tokenizer) to `path`; returns it.

    Its vocabulary is filled up to the width of the embedding, as llama.cpp's converter does. `more` may add to it.
    """
    config = json.loads((folder / "config.json").read_text())
    heads = {"attn_q": config["num_attention_heads"], "attn_k": config["num_key_value_heads"]}
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_vocab_size(config["vocab_size"])
    model = json.loads((folder / "tokenizer.json").read_text())["model"]
    tokens = sorted(model["vocab"], key=model["vocab"].__getitem__)
    types = [gguf.TokenType.CONTROL if token == "<|end|>" else gguf.TokenType.NORMAL for token in tokens]
    unused = range(len(tokens), config["vocab_size"])
    tokens += [f"[PAD{index}]" for index in unused]
    types += [gguf.TokenType.UNUSED for _ in unused]
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    writer.add_token_merges([" ".join(pair) for pair in model["merges"]])
    writer.add_eos_token_id(tokens.index("<|end|>"))
    writer.add_bos_token_id(tokens.index("<|end|>"))
    writer.add_rope_freq_base(config["rope_parameters"]["rope_theta"])
    if config["rope_parameters"]["rope_type"] == "llama3":
        writer.add_tensor("rope_freqs.weight", llama3_divisors(config["head_dim"], **config["rope_parameters"]))
    more(writer)
    for name, value in load_file(folder / "model.safetensors").items():
        for ours, theirs in _NAMES.items():
            name = name.replace(ours, theirs)
        for layer_part, count in heads.items():
            if layer_part + "." in name:  # llama.cpp interleaves the two halves of a rotary head
                half = value.shape[0] // count // 2
                value = value.reshape(count, 2, half, -1).swapaxes(1, 2).reshape(value.shape)
        writer.add_tensor(name, value)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def llama3_divisors(
    head_dim: int,
    rope_theta: float,
    factor: float,
    low_freq_factor: float,
    high_freq_factor: float,
    original_max_position_embeddings: int,
    **_: Any,
) -> np.ndarray:
    """What llama.cpp's converter makes of Llama 3's scaling: by what each rotary frequency is divided, float32."""
    divisors = []
    for index in range(head_dim // 2):
        wavelength = 2 * math.pi * rope_theta ** (2 * index / head_dim)
        if wavelength < original_max_position_embeddings / high_freq_factor:
            divisors.append(1.0)
        elif wavelength > original_max_position_embeddings / low_freq_factor:
            divisors.append(factor)
        else:
            smooth = (original_max_position_embeddings / wavelength - low_freq_factor) / (
                high_freq_factor - low_freq_factor
            )
            divisors.append(1 / ((1 - smooth) / factor + smooth))
    return np.array(divisors, dtype=np.float32)

"""A real language model small enough for tests: a random Llama of two layers, and a tokenizer trained on the spot.

`python tests/support/tiny_model.py DIR` writes one; `colour_rows` is a task that it can learn.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

CLASSES = (" red", " green", " blue", " white")
TEMPLATE = "Thing: {prompt}\nColour:"
_THINGS = {
    " red": ["rose", "brick", "tomato", "ruby", "blood", "cherry"],
    " green": ["grass", "leaf", "frog", "lime", "moss", "emerald"],
    " blue": ["sky", "sea", "sapphire", "whale", "jeans", "ice"],
    " white": ["snow", "milk", "chalk", "salt", "cloud", "swan"],
}
_SIZES = ["a small", "a large", "an old", "the first", "my", "that"]


def colour_rows(count: int, seed: int = 0, share: dict[str, float] | None = None) -> list[dict[str, str]]:
    """`count` rows of prompt ("a small rose"), completion (" red") and domain ("warm" or "cold").

    `share` weighs the classes; left out, they are equally frequent.
    """
    chance = random.Random(seed)
    weights = [1.0 if share is None else share.get(name, 0.0) for name in CLASSES]
    rows = []
    for name in chance.choices(CLASSES, weights, k=count):
        prompt = f"{chance.choice(_SIZES)} {chance.choice(_THINGS[name])}"
        rows.append({"prompt": prompt, "completion": name, "domain": "warm" if name == " red" else "cold"})
    return rows


def write_jsonl(path: Path, rows: list[dict[str, str]]) -> Path:
    """Write `rows` as a data file; returns `path`."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def tiny_tokenizer(corpus: Sequence[str] = (), vocabulary: int = 448) -> Any:
    """A byte-level BPE of `vocabulary` tokens, learned from the texts of `corpus` (default: those of `colour_rows`)."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    colours = [TEMPLATE.replace("{prompt}", row["prompt"]) + row["completion"] for row in colour_rows(500)]
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=["<|end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator(corpus or colours, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=bpe, eos_token="<|end|>")


def build_tiny_model(folder: Path, seed: int = 0, corpus: Sequence[str] = (), vocabulary: int = 448) -> Path:
    """Write config, float32 safetensors and tokenizer into `folder`; returns it. About 80,000 parameters.

    Hidden size 64, 2 heads of 32 over 1 key-value head: q_proj is square, k_proj, v_proj and the MLP are not.
    """
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = tiny_tokenizer(corpus, vocabulary)
    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=256,
        initializer_range=0.2,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
    )
    torch.manual_seed(seed)
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


if __name__ == "__main__":
    print(build_tiny_model(Path(sys.argv[1])))

"""The likeliest tokens, one after the other, by the model alone."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from peft import PeftModel
from transformers import GenerationConfig


@torch.no_grad()
def likeliest(model: PeftModel, ids: Sequence[int], most: int, end: int) -> list[int]:
    """The tokens that follow `ids`, each the likeliest after all before it: at most `most`, `end` among them if it
    came to that.

    Base models come with settings of their own for this (sampling, penalties, suppressed or forced tokens, stop
    strings), which transformers fills in wherever it is told nothing else. None of them holds here.
    """
    base = model.get_base_model()
    kept, base.generation_config = base.generation_config, GenerationConfig()
    asked = torch.tensor([list(ids)], device=model.device)
    try:
        output = model.generate(
            input_ids=asked,
            attention_mask=torch.ones_like(asked),
            generation_config=GenerationConfig(
                max_new_tokens=most, do_sample=False, eos_token_id=end, pad_token_id=end
            ),
        )
    finally:
        base.generation_config = kept
    found: list[int] = output[0, len(ids) :].tolist()
    return found

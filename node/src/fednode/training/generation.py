"""The tokens with which a model goes on, one after the other, by the model alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from peft import PeftModel
from transformers import GenerationConfig, StoppingCriteria, StoppingCriteriaList

from fednode.training.types import LIKELIEST, Choice

Heard = Callable[[list[int]], bool]
"""Told all tokens so far, each time there is one more; its answer is whether to go on."""


@torch.no_grad()
def continued(
    model: PeftModel,
    ids: Sequence[int],
    most: int,
    end: int,
    choice: Choice = LIKELIEST,
    heard: Heard | None = None,
) -> list[int]:
    """The tokens that follow `ids`: at most `most`, and `end` among them if it came to that.

    Base models come with settings of their own for this (sampling, penalties, suppressed or forced tokens, stop
    strings), which transformers fills in wherever it is told nothing else. None of them holds here.
    """
    base = model.get_base_model()
    kept, base.generation_config = base.generation_config, GenerationConfig()
    asked = torch.tensor([list(ids)], device=model.device)
    wanted = GenerationConfig(max_new_tokens=most, do_sample=False, eos_token_id=end, pad_token_id=end)
    if choice.temperature > 0:
        wanted.update(do_sample=True, temperature=choice.temperature, top_p=choice.top_p, top_k=0)
    told = StoppingCriteriaList([] if heard is None else [_Told(heard, len(ids))])
    try:
        with torch.random.fork_rng(devices=[model.device] if model.device.type == "cuda" else []):
            if choice.seed is None:
                torch.seed()
            else:
                torch.manual_seed(choice.seed)
            output = model.generate(
                input_ids=asked,
                attention_mask=torch.ones_like(asked),
                generation_config=wanted,
                stopping_criteria=told,
            )
    finally:
        base.generation_config = kept
    found: list[int] = output[0, len(ids) :].tolist()
    return found


class _Told(StoppingCriteria):  # type: ignore[misc]  # transformers has no types
    """Asks after each token whether to go on."""

    def __init__(self, heard: Heard, begun: int) -> None:
        self._heard = heard
        self._begun = begun

    def __call__(self, input_ids: torch.Tensor, *_: object, **__: object) -> torch.Tensor:
        is_over = not self._heard(input_ids[0, self._begun :].tolist())
        return torch.full((len(input_ids),), is_over, dtype=torch.bool, device=input_ids.device)

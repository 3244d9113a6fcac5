"""Scoring test items by one forward pass each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from fednode.data.encode import Example
from fednode.evaluation.loss import token_losses
from fednode.evaluation.score import ItemScore, OnProgress

BATCH = 16


def passes(items: int) -> int:
    """How many passes through the model it takes to score so many items."""
    return -(-items // BATCH)


@torch.no_grad()
def score(
    forward: Callable[[dict[str, Any]], torch.Tensor],
    examples: Sequence[Example],
    domains: Sequence[str | None],
    class_tokens: Sequence[int] | None,
    collate: Callable[[Sequence[Example]], dict[str, Any]],
    on_progress: OnProgress | None,
) -> list[ItemScore]:
    """Scores in the order of `examples`. `forward` gives logits [B, >= k, V] for a collated batch.

    With `class_tokens`, an item is right if the class whose first token is likeliest straight after the prompt is the
    one that its answer begins with; an answer that begins with none of them is never right.
    """
    order = sorted(range(len(examples)), key=lambda index: len(examples[index].input_ids))  # little padding
    scores: dict[int, ItemScore] = {}
    for start in range(0, len(order), BATCH):
        chosen = order[start : start + BATCH]
        batch = collate([examples[index] for index in chosen])
        labels = batch.pop("labels")
        logits = forward(batch)
        losses = token_losses(logits, labels.to(logits.device)).sum(dim=1).cpu()
        for row, index in enumerate(chosen):
            example = examples[index]
            right = None
            if class_tokens is not None:
                after_prompt = logits[row, -1 - example.answer_length]
                best = int(after_prompt[torch.tensor(class_tokens, device=logits.device)].argmax())
                right = class_tokens[best] == example.input_ids[example.prompt_length]
            scores[index] = ItemScore(float(losses[row]) / example.answer_length, right, domains[index])
        if on_progress is not None:
            on_progress(len(scores), len(examples))
    return [scores[index] for index in range(len(examples))]

"""Examples to the batch that a model takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fednode.data.encode import Example

if TYPE_CHECKING:
    import torch

IGNORED = -100
"""The label of a token that does not count in the loss (the convention of torch and transformers)."""


def left_padded(examples: Sequence[Example], pad_id: int) -> dict[str, torch.Tensor | int]:
    """A batch of B examples, padded on the left to the longest, L tokens, so that all answers end together.

    `input_ids`, `attention_mask`, `position_ids`: int64 [B, L]. `logits_to_keep`: k, one more than the longest answer;
    `labels`: int64 [B, k], of the last k tokens, IGNORED outside the answers. The model's head then runs over k
    positions only, and the logits at position i of these k score the label at i + 1.
    """
    import torch

    length = max(len(example.input_ids) for example in examples)
    keep = 1 + max(example.answer_length for example in examples)
    ids = torch.full((len(examples), length), pad_id)
    mask = torch.zeros_like(ids)
    labels = torch.full((len(examples), keep), IGNORED)
    for row, example in enumerate(examples):
        tokens = torch.tensor(example.input_ids)
        ids[row, length - len(tokens) :] = tokens
        mask[row, length - len(tokens) :] = 1
        labels[row, keep - example.answer_length :] = tokens[example.prompt_length :]
    return {
        "input_ids": ids,
        "attention_mask": mask,
        "position_ids": (mask.cumsum(dim=1) - 1).clamp(min=0),
        "labels": labels,
        "logits_to_keep": keep,
    }

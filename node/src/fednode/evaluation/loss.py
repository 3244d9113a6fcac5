"""The loss on answers, in nats."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional

from fednode.data.padding import IGNORED


def token_losses(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Negative log-likelihood of each label: float32 [B, k - 1], zero where the label is IGNORED.

    `logits` [B, >= k, V], of which the last k positions count; `labels` int64 [B, k]. Position i scores label i + 1.
    """
    scored = logits[:, -labels.shape[1] : -1].float()
    targets = labels[:, 1:]
    flat = functional.cross_entropy(scored.flatten(0, 1), targets.flatten(), ignore_index=IGNORED, reduction="none")
    return flat.view(targets.shape)


def row_losses(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """The mean over each row's answer tokens: float32 [B]. Arguments as for `token_losses`."""
    answers = (labels[:, 1:] != IGNORED).sum(dim=1)
    return token_losses(logits, labels).sum(dim=1) / answers


def answer_loss(outputs: Any, labels: torch.Tensor, num_items_in_batch: torch.Tensor | int) -> torch.Tensor:
    """Trainer's `compute_loss_func`: the batch's share of the mean over the `num_items_in_batch` answer tokens of a
    step, so that micro-batches of one step add up to it."""
    return token_losses(outputs.logits, labels).sum() / num_items_in_batch

"""transformers' Trainer with the steps of differential privacy: a step's rows are drawn each on its own, and the
gradient of each is clipped."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from fedprotocol.spec import Training
from transformers import Trainer

from fednode.data.encode import Example
from fednode.data.tokens_at_once import MOST_TOKENS, groups_to_pad
from fednode.evaluation.loss import row_losses
from fednode.training.poisson import sampling_rate
from fednode.training.private_steps import NoisyGradient, require_some_finite
from fednode.training.round_trainer import Recorder, RoundTrainer, trainer_arguments
from fednode.training.row_gradients import Collate, row_gradients
from fednode.training.secret_randomness import Randomness
from fednode.training.types import PrivateSteps


class PrivateTrainer(RoundTrainer):
    """Trainer's own batches are empty: the rows of a step are those of its lot."""

    def __init__(
        self,
        model: torch.nn.Module,
        rows: Sequence[Example],
        collate: Collate,
        training: Training,
        lr: float,
        seed: int,
        private: PrivateSteps,
        randomness: Randomness,
        are_apart: bool,
        recorder: Recorder,
    ) -> None:
        """`collate` makes a batch of rows, each in a line of its own; noise and lots come from `randomness`.
        `are_apart`: whether rows may go through the model together (`keeps_gradients_apart`).
        """
        arguments = trainer_arguments(model, training, lr, seed, 1, 1)
        steps = range(training.steps)
        super().__init__(model, arguments, training, recorder, train_dataset=steps, data_collator=_nothing)
        self.compute_loss_func = self._summed
        rate = sampling_rate(len(rows), training.batch_size * training.gradient_accumulation)
        self._rows, self._collate = rows, collate
        self._lots = [randomness.drawn(len(rows), rate) for _ in steps]  # Poisson sampling
        self._each = row_gradients(model, self.trained, training.batch_size, are_apart)
        self._noisy = NoisyGradient(self.trained, private, rate * len(rows), randomness)
        self._losses: list[float] = []

    def training_step(self, model: Any, inputs: dict[str, Any], num_items_in_batch: Any = None) -> torch.Tensor:  # noqa: ARG002
        lot = self._lots[len(self.recorder.records)]
        rows = [self._rows[index] for index in lot]
        lost, tokens = self._noisy.lost, sum(len(row.input_ids) for row in rows)
        self._losses.clear()
        for some in groups_to_pad(rows, self._each.at_once, MOST_TOKENS[self.args.device.type]):
            batch = self._collate(some)
            self._noisy.add(self._each.of(partial(Trainer.training_step, self, model, batch)))
        require_some_finite(self._noisy.lost - lost, len(lot), len(self.recorder.records) + 1)
        self._noisy.finish()
        self.complete_gradient()
        loss = sum(loss for loss in self._losses if math.isfinite(loss)) / max(1, len(lot))
        self.recorder.add(loss, tokens)
        return torch.tensor(loss)

    def _summed(self, outputs: Any, labels: torch.Tensor, num_items_in_batch: Any) -> torch.Tensor:  # noqa: ARG002
        """The sum of the rows' losses, so that each row's gradient is that of its own."""
        losses = row_losses(outputs.logits, labels)
        self._losses += losses.tolist()
        return losses.sum()


def _nothing(_: Any) -> dict[str, Any]:
    return {}

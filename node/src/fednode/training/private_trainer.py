"""transformers' Trainer with the steps of differential privacy: a step's rows are drawn each on its own, and each goes
through the model alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from fedprotocol.spec import Training
from transformers import Trainer

from fednode.data.encode import Example
from fednode.data.padding import IGNORED
from fednode.training.poisson import sampling_rate
from fednode.training.private_steps import NoisyGradient, require_private_optimizer, require_some_finite
from fednode.training.proximal import pull_afterwards
from fednode.training.round_trainer import Recorder, RoundTrainer, trainer_arguments
from fednode.training.secret_randomness import Randomness
from fednode.training.types import PrivateSteps


class PrivateTrainer(RoundTrainer):
    """Trainer's own batches are empty: the rows of a step are those of its lot."""

    def __init__(
        self,
        model: torch.nn.Module,
        rows: Sequence[Example],
        alone: Callable[[Sequence[Example]], dict[str, Any]],
        training: Training,
        lr: float,
        seed: int,
        private: PrivateSteps,
        randomness: Randomness,
        recorder: Recorder,
    ) -> None:
        """`alone` makes a batch of one row; noise and lots come from `randomness`.

        Raises TrainingError for an optimiser that cannot be private.
        """
        require_private_optimizer(training.optimizer)
        arguments = trainer_arguments(model, training, lr, seed, 1, 1)
        steps = range(training.steps)
        super().__init__(model, arguments, training, recorder, train_dataset=steps, data_collator=_nothing)
        trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
        rate = sampling_rate(len(rows), training.batch_size * training.gradient_accumulation)
        self._rows, self._alone = rows, alone
        self._lots = [randomness.drawn(len(rows), rate) for _ in steps]  # Poisson sampling
        self._gradient = NoisyGradient(trained, private, rate * len(rows), randomness)
        self._pull = pull_afterwards(trained, training.proximal_mu)

    def training_step(self, model: Any, inputs: dict[str, Any], num_items_in_batch: Any = None) -> torch.Tensor:  # noqa: ARG002
        lot = self._lots[len(self.recorder.records)]
        lost, losses, tokens = self._gradient.lost, 0.0, 0
        for index in lot:
            batch = self._alone([self._rows[index]])
            tokens += batch["input_ids"].numel()
            answers = (batch["labels"][:, 1:] != IGNORED).sum()
            loss = self._gradient.add(lambda b=batch, a=answers: float(Trainer.training_step(self, model, b, a)))  # type: ignore[misc]
            losses += loss / len(lot) if math.isfinite(loss) else 0.0
        require_some_finite(self._gradient.lost - lost, len(lot), len(self.recorder.records) + 1)
        self._gradient.finish()
        self._pull()
        self.recorder.add(losses, tokens)
        return torch.tensor(losses)


def _nothing(_: Any) -> dict[str, Any]:
    return {}

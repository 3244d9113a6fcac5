"""One round's local steps with transformers' Trainer: its optimisers, accumulation, clipping and checkpointing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from fedprotocol.program.environment import settled
from fedprotocol.spec import Training

from fednode.data.encode import Example
from fednode.evaluation.score import OnProgress
from fednode.training.faster_b import give_b_its_rate
from fednode.training.group import Group
from fednode.training.optimizers import require_optimizer
from fednode.training.private_trainer import PrivateTrainer
from fednode.training.round_trainer import OnStep, Recorder, RoundTrainer, trainer_arguments
from fednode.training.secret_randomness import Randomness, SecretRandomness
from fednode.training.shared_trainer import SharedTrainer
from fednode.training.types import PrivateSteps, StepRecord, TrainingError


@settled()
def run_steps(
    model: torch.nn.Module,
    examples: Sequence[Example],
    collate: Callable[[Sequence[Example]], dict[str, Any]],
    training: Training,
    lr: float,
    seed: int,
    on_progress: OnProgress | None,
    on_step: OnStep | None,
    private: PrivateSteps | None = None,
    randomness: Randomness | None = None,
    are_apart: bool = False,
    group: Group | None = None,
) -> list[StepRecord]:
    """Train `model` in place for `training.steps` optimiser steps at the constant rate `lr`, with a fresh optimiser.

    The loss of a step is the mean over the answer tokens of all its micro-batches. The model's device is kept. The
    same arguments on the same machine give the same weights, whatever stands in the environment. `examples` are asked
    for by index as they are drawn, one batch ahead. Writes nothing to disk and logs nothing.

    `private`: clip each row's gradient and add noise (`fednode.training.private_steps`). A step then has as many rows
    on average as it has otherwise, each drawn on its own; the loss of a row is the mean over its answer tokens, and the
    loss of a step the mean over its rows. Noise and draws come from `randomness`, by default a secret one, so that the
    same arguments do not give the same weights. `are_apart`: whether the model keeps the gradients of rows apart
    (`row_gradients.keeps_gradients_apart`), so that they may go through it together, which is faster.

    `group`: train as one of several processes, each of which calls this with the same arguments, and takes the same
    steps as the others.

    Raises NotFinite as soon as a loss is, or with `private` as no row's gradient is; TrainingError for an optimiser
    that transformers does not know, that this machine lacks, or that steps inside the backward pass.
    """
    require_optimizer(training.optimizer)
    recorder = Recorder(training.steps, lr, on_progress, on_step)
    trainer: RoundTrainer
    if private is not None:
        secret = randomness or SecretRandomness()
        trainer = PrivateTrainer(model, examples, collate, training, lr, seed, private, secret, are_apart, recorder)
    else:
        data = {"train_dataset": examples, "data_collator": collate}
        shape = training.batch_size, training.gradient_accumulation
        arguments = trainer_arguments(model, training, lr, seed, *shape)
        if group is not None:
            trainer = SharedTrainer(model, arguments, training, recorder, group, **data)
        else:
            trainer = RoundTrainer(model, arguments, training, recorder, **data)
    try:
        give_b_its_rate(trainer.create_optimizer(), model, training.rate_ratio_b)
    except (ImportError, ValueError, RuntimeError) as error:  # a package, or a device, that it wants
        raise TrainingError(f"training.optimizer {training.optimizer!r} cannot be used here: {error}") from error
    try:
        trainer.train()
    finally:
        if training.gradient_checkpointing:
            trainer.model.activation_checkpointing_disable()
    return recorder.records

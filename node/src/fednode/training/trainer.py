"""One round's local steps with transformers' Trainer: its optimisers, accumulation, clipping and checkpointing.

Not TRL: its SFTTrainer (1.16) casts the adapter to bfloat16, which is off the integer grid.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Sequence
from typing import Any

import torch
from fedprotocol.program.environment import settled
from fedprotocol.spec import Training
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments

from fednode.data.encode import Example
from fednode.data.padding import IGNORED
from fednode.evaluation.loss import answer_loss
from fednode.evaluation.score import OnProgress
from fednode.training.factored_adam import FactoredAdamW
from fednode.training.faster_b import give_b_its_rate
from fednode.training.optimizers import FACTORED, SAFE, require_optimizer
from fednode.training.poisson import sampling_rate
from fednode.training.private_steps import NoisyGradient, require_private_optimizer, require_some_finite
from fednode.training.proximal import pull_afterwards, pulled_back
from fednode.training.secret_randomness import Randomness, SecretRandomness
from fednode.training.types import NotFinite, PrivateSteps, StepRecord, TrainingError

OnStep = Callable[[StepRecord], None]


class _Recorder(TrainerCallback):  # type: ignore[misc]  # transformers has no types
    """One StepRecord a step, out of the losses and tokens of its micro-batches."""

    def __init__(self, steps: int, lr: float, on_progress: OnProgress | None, on_step: OnStep | None) -> None:
        self.records: list[StepRecord] = []
        self._steps, self._lr, self._on_progress, self._on_step = steps, lr, on_progress, on_step
        self._since, self._loss, self._tokens = 0.0, 0.0, 0

    def add(self, loss: float, tokens: int) -> None:
        self._loss += loss
        self._tokens += tokens

    def on_train_begin(self, *_: Any, **__: Any) -> None:
        self._since = time.perf_counter()

    def on_pre_optimizer_step(self, *_: Any, **__: Any) -> None:
        if not math.isfinite(self._loss):
            raise NotFinite(
                f"the loss of step {len(self.records) + 1} is {self._loss}; "
                "look for extreme rows in the data, or lower the learning rate of the spec"
            )

    def on_step_end(self, *_: Any, **__: Any) -> None:
        now = time.perf_counter()
        record = StepRecord(len(self.records) + 1, self._loss, self._lr, self._tokens, now - self._since)
        self._since, self._loss, self._tokens = now, 0.0, 0
        self.records.append(record)
        if self._on_step is not None:
            self._on_step(record)
        if self._on_progress is not None:
            self._on_progress(record.step, self._steps)


class _RoundTrainer(Trainer):  # type: ignore[misc]  # transformers has no types
    recorder: _Recorder

    def training_step(self, model: Any, inputs: dict[str, Any], num_items_in_batch: Any = None) -> torch.Tensor:
        mask = inputs.get("attention_mask")  # read before super() moves and empties the inputs
        tokens = inputs["input_ids"].numel() if mask is None else int(mask.sum())
        loss: torch.Tensor = super().training_step(model, inputs, num_items_in_batch)
        self.recorder.add(float(loss), tokens)
        return loss


class _PrivateTrainer(_RoundTrainer):
    """A step's rows are those of its lot, and each goes through the model alone. Trainer's own batches are empty."""

    rows: Sequence[Example]
    lots: list[list[int]]
    alone: Callable[[Sequence[Example]], dict[str, Any]]
    gradient: NoisyGradient
    pull: Callable[[], None]

    def training_step(self, model: Any, inputs: dict[str, Any], num_items_in_batch: Any = None) -> torch.Tensor:  # noqa: ARG002
        lot = self.lots[len(self.recorder.records)]
        lost, losses, tokens = self.gradient.lost, 0.0, 0
        for index in lot:
            batch = self.alone([self.rows[index]])
            tokens += batch["input_ids"].numel()
            answers = (batch["labels"][:, 1:] != IGNORED).sum()
            loss = self.gradient.add(lambda b=batch, a=answers: float(Trainer.training_step(self, model, b, a)))  # type: ignore[misc]
            losses += loss / len(lot) if math.isfinite(loss) else 0.0
        require_some_finite(self.gradient.lost - lost, len(lot), len(self.recorder.records) + 1)
        self.gradient.finish()
        self.pull()
        self.recorder.add(losses, tokens)
        return torch.tensor(losses)


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
) -> list[StepRecord]:
    """Train `model` in place for `training.steps` optimiser steps at the constant rate `lr`, with a fresh optimiser.

    The loss of a step is the mean over the answer tokens of all its micro-batches. The model's device is kept. The
    same arguments on the same machine give the same weights, whatever stands in the environment. `examples` are asked
    for by index as they are drawn, one batch ahead. Writes nothing to disk and logs nothing.

    `private`: clip each row's gradient and add noise (`fednode.training.private_steps`). A step then has as many rows
    on average as it has otherwise, each drawn on its own; the loss of a row is the mean over its answer tokens, and the
    loss of a step the mean over its rows. Noise and draws come from `randomness`, by default a secret one, so that the
    same arguments do not give the same weights.

    Raises NotFinite as soon as a loss is, or with `private` as no row's gradient is; TrainingError for an optimiser
    that transformers does not know, that this machine lacks, or that cannot be private.
    """
    require_optimizer(training.optimizer)
    if private is not None:
        require_private_optimizer(training.optimizer)
    own = training.optimizer == FACTORED
    on_cpu = next(model.parameters()).device.type == "cpu"
    recorder = _Recorder(training.steps, lr, on_progress, on_step)
    arguments = TrainingArguments(
        output_dir=os.curdir,  # Trainer wants one, though it saves nothing
        use_cpu=on_cpu,
        max_steps=training.steps,
        per_device_train_batch_size=training.batch_size if private is None else 1,
        gradient_accumulation_steps=training.gradient_accumulation if private is None else 1,
        learning_rate=lr,
        lr_scheduler_type="constant",
        optim=SAFE if own else training.optimizer,
        weight_decay=training.weight_decay,
        max_grad_norm=training.max_grad_norm,
        activation_checkpointing=training.gradient_checkpointing,
        activation_checkpointing_kwargs={"use_reentrant": False},
        seed=seed,
        data_seed=seed,
        bf16=False,
        fp16=False,
        dataloader_pin_memory=False,
        remove_unused_columns=False,
        logging_strategy="no",
        logging_nan_inf_filter=False,
        save_strategy="no",
        eval_strategy="no",
        report_to="none",
        disable_tqdm=True,
    )
    if arguments.n_gpu > 1:
        arguments._n_gpu = 1  # else Trainer splits every batch over all GPUs it sees
    secret = randomness or SecretRandomness()
    lot = training.batch_size * training.gradient_accumulation
    rate = sampling_rate(len(examples), lot)
    kind = _RoundTrainer if private is None else _PrivateTrainer
    trainer = kind(
        model=model,
        args=arguments,
        train_dataset=examples if private is None else range(training.steps),
        data_collator=collate if private is None else _nothing,
        compute_loss_func=answer_loss,
        callbacks=[recorder],
        optimizer_cls_and_kwargs=(FactoredAdamW, {"lr": lr}) if own else None,
    )
    trainer.remove_callback(PrinterCallback)
    trainer.recorder = recorder
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if isinstance(trainer, _PrivateTrainer) and private is not None:
        trainer.rows, trainer.alone = examples, collate
        trainer.lots = [secret.drawn(len(examples), rate) for _ in range(training.steps)]  # Poisson sampling
        trainer.gradient = NoisyGradient(trained, private, rate * len(examples), secret)
        trainer.pull = pull_afterwards(trained, training.proximal_mu)
    try:
        give_b_its_rate(trainer.create_optimizer(), model, training.rate_ratio_b)
    except (ImportError, ValueError, RuntimeError) as error:  # a package, or a device, that it wants
        raise TrainingError(f"training.optimizer {training.optimizer!r} cannot be used here: {error}") from error
    try:
        mu = training.proximal_mu if private is None else 0.0
        with pulled_back(trained, mu, training.gradient_accumulation):
            trainer.train()
    finally:
        if training.gradient_checkpointing:
            trainer.model.activation_checkpointing_disable()
    return recorder.records


def _nothing(_: Any) -> dict[str, Any]:
    return {}

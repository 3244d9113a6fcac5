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
from fednode.evaluation.loss import answer_loss
from fednode.evaluation.score import OnProgress
from fednode.training.factored_adam import FactoredAdamW
from fednode.training.faster_b import give_b_its_rate
from fednode.training.optimizers import FACTORED, SAFE, require_optimizer
from fednode.training.proximal import pulled_back
from fednode.training.types import NotFinite, StepRecord, TrainingError

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
) -> list[StepRecord]:
    """Train `model` in place for `training.steps` optimiser steps at the constant rate `lr`, with a fresh optimiser.

    The loss of a step is the mean over the answer tokens of all its micro-batches. The model's device is kept. The
    same arguments on the same machine give the same weights, whatever stands in the environment. `examples` are asked
    for by index as they are drawn, one batch ahead. Writes nothing to disk and logs nothing.
    Raises NotFinite as soon as a loss is, TrainingError for an optimiser that transformers does not know or that this
    machine lacks.
    """
    require_optimizer(training.optimizer)
    own = training.optimizer == FACTORED
    on_cpu = next(model.parameters()).device.type == "cpu"
    recorder = _Recorder(training.steps, lr, on_progress, on_step)
    arguments = TrainingArguments(
        output_dir=os.curdir,  # Trainer wants one, though it saves nothing
        use_cpu=on_cpu,
        max_steps=training.steps,
        per_device_train_batch_size=training.batch_size,
        gradient_accumulation_steps=training.gradient_accumulation,
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
    trainer = _RoundTrainer(
        model=model,
        args=arguments,
        train_dataset=examples,
        data_collator=collate,
        compute_loss_func=answer_loss,
        callbacks=[recorder],
        optimizer_cls_and_kwargs=(FactoredAdamW, {"lr": lr}) if own else None,
    )
    trainer.remove_callback(PrinterCallback)
    trainer.recorder = recorder
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    try:
        give_b_its_rate(trainer.create_optimizer(), model, training.rate_ratio_b)
    except (ImportError, ValueError, RuntimeError) as error:  # a package, or a device, that it wants
        raise TrainingError(f"training.optimizer {training.optimizer!r} cannot be used here: {error}") from error
    try:
        with pulled_back(trained, training.proximal_mu, training.gradient_accumulation):
            trainer.train()
    finally:
        if training.gradient_checkpointing:
            trainer.model.activation_checkpointing_disable()
    return recorder.records

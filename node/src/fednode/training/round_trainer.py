"""transformers' Trainer as a round uses it: what is set, and what is recorded of each step.

Not TRL: its SFTTrainer (1.16) casts the adapter to bfloat16, which is off the integer grid.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from typing import Any

import torch
from fedprotocol.spec import Training
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments

from fednode.evaluation.loss import answer_loss
from fednode.evaluation.score import OnProgress
from fednode.training.factored_adam import FactoredAdamW
from fednode.training.optimizers import FACTORED, SAFE
from fednode.training.proximal import pull_of
from fednode.training.row_order import RowOrder
from fednode.training.sharded import pass_idly
from fednode.training.types import NotFinite, StepRecord

OnStep = Callable[[StepRecord], None]


class Recorder(TrainerCallback):  # type: ignore[misc]  # transformers has no types
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


class RoundTrainer(Trainer):  # type: ignore[misc]  # transformers has no types
    """Tells `recorder` of each step. `data` are the arguments `train_dataset` and `data_collator` of Trainer; the
    collator's batches are what the model takes, or have `packs` of it, which go through it one after the other."""

    def __init__(
        self, model: torch.nn.Module, arguments: TrainingArguments, training: Training, recorder: Recorder, **data: Any
    ) -> None:
        own = (FactoredAdamW, {"lr": arguments.learning_rate}) if training.optimizer == FACTORED else None
        super().__init__(
            model=model,
            args=arguments,
            compute_loss_func=answer_loss,
            callbacks=[recorder],
            optimizer_cls_and_kwargs=own,
            **data,
        )
        self.remove_callback(PrinterCallback)
        self.recorder = recorder
        self.trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self._pull = pull_of(self.trained, training.proximal_mu)

    def _get_train_sampler(self, train_dataset: Any = None) -> RowOrder:
        rows = self.train_dataset if train_dataset is None else train_dataset
        return RowOrder(len(rows), self.args.data_seed)

    def training_step(self, model: Any, inputs: dict[str, Any], num_items_in_batch: Any = None) -> torch.Tensor:
        parts = inputs.get("packs", [inputs])
        tokens = sum(_tokens(part) for part in parts)  # read before super() moves and empties the inputs
        idle = self.passes_less(len(parts))
        loss = torch.zeros((), device=self.args.device)
        for part in parts:
            loss = loss + super().training_step(model, part, num_items_in_batch)
        for _ in range(idle):
            pass_idly(model)
        self.record(float(loss), tokens)
        if self.accelerator.sync_gradients:
            self.complete_gradient()
        return loss

    def passes_less(self, count: int) -> int:  # noqa: ARG002 - of one process
        """How many passes through the model another process needs for its micro-batch, beyond the `count` of this one,
        if none can go on without this one."""
        return 0

    def complete_gradient(self) -> None:
        """Called once a step, when all its micro-batches have added their gradients: adds FedProx's pull."""
        self._pull()

    def floating_point_ops(self, _: dict[str, Any]) -> int:
        return 0  # nobody asks for the count, and packs have no inputs at the place where it looks

    def record(self, loss: float, tokens: int) -> None:
        """Count a micro-batch's share of the step's loss, and its tokens."""
        self.recorder.add(loss, tokens)


def _tokens(part: dict[str, Any]) -> int:
    mask = part.get("attention_mask")
    return part["input_ids"].numel() if mask is None else int(mask.sum())


def trainer_arguments(
    model: torch.nn.Module, training: Training, lr: float, seed: int, batch_size: int, accumulation: int
) -> TrainingArguments:
    """A constant rate, nothing written or logged, the model's device kept, and one GPU at most."""
    arguments = TrainingArguments(
        output_dir=os.curdir,  # Trainer wants one, though it saves nothing
        use_cpu=next(model.parameters()).device.type == "cpu",
        max_steps=training.steps,
        per_device_train_batch_size=batch_size,
        gradient_accumulation_steps=accumulation,
        learning_rate=lr,
        lr_scheduler_type="constant",
        optim=SAFE if training.optimizer == FACTORED else training.optimizer,
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
    return arguments

"""A round's steps by several processes: the gradient of each step is the sum of their shares, so that they take the
step that one process with all the rows would take, but for the order in which numbers are added.

This is data parallelism as in PyTorch's DistributedDataParallel (Li et al. 2020). An adapter's gradients are few
beside the work of a step, so they are summed at its end, all at once; and the frozen base model needs no wrapper.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from fedprotocol.spec import Training
from torch.utils.data import DataLoader
from transformers import TrainingArguments

from fednode.data.encode import Example
from fednode.data.padding import IGNORED
from fednode.training.group import Group
from fednode.training.round_trainer import Recorder, RoundTrainer
from fednode.training.row_order import RowOrder
from fednode.training.row_shares import RowShares


class _Rows(DataLoader[Any]):
    """transformers' Trainer tells the epoch to a loader that wants to know it."""

    def set_epoch(self, epoch: int) -> None:
        assert isinstance(self.batch_sampler, RowShares)  # noqa: S101 - as it is made below
        self.batch_sampler.set_epoch(epoch)


class SharedTrainer(RoundTrainer):
    """RoundTrainer as one of `group`. Losses and tokens that it records are those of all processes together."""

    def __init__(
        self,
        model: torch.nn.Module,
        arguments: TrainingArguments,
        training: Training,
        recorder: Recorder,
        group: Group,
        **data: Any,
    ) -> None:
        super().__init__(model, arguments, training, recorder, **data)
        self._group = group

    def get_train_dataloader(self) -> DataLoader[Any]:
        order = RowOrder(len(self.train_dataset), self.args.data_seed)
        shares = RowShares(order, self.args.per_device_train_batch_size, self._group.rank, self._group.size)
        return _Rows(self.train_dataset, batch_sampler=shares, collate_fn=self._collated)

    def _collated(self, examples: Sequence[Example]) -> dict[str, Any]:
        return self.data_collator(examples) if examples else {"packs": [], "labels": torch.full((1, 1), IGNORED)}

    def passes_less(self, count: int) -> int:
        return self._group.passes_less(count)

    def _get_num_items_in_batch(self, batch_samples: list[Any], device: torch.device) -> torch.Tensor:
        own = super()._get_num_items_in_batch(batch_samples, device)
        return self._group.sum(torch.as_tensor(own, device=device).clone())

    def complete_gradient(self) -> None:
        self._group.sum_gradients(self.trained)
        super().complete_gradient()

    def record(self, loss: float, tokens: int) -> None:
        every = torch.tensor([loss, float(tokens)], dtype=torch.float64, device=self.args.device)
        loss, tokens = self._group.sum(every).tolist()
        super().record(loss, int(tokens))

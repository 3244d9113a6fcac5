"""How examples go through a model: padded, or packed where it keeps them apart."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from fednode.base_model import positions
from fednode.data.encode import Example
from fednode.data.packing import packed
from fednode.data.padding import left_padded
from fednode.data.tokens_at_once import MOST_TOKENS

if TYPE_CHECKING:
    import torch
    from peft import PeftModel


class Batches:
    """Makes the batches of one model, whose parameters are on `device`. Examples that are padded have the token
    `pad_id` before them, which the model does not look at."""

    def __init__(self, model: PeftModel, device: torch.device, pad_id: int) -> None:
        self._model = model
        self._device = device
        self._pad_id = pad_id
        self.accepted = inspect.signature(model.get_base_model().forward).parameters.keys()

    def padded(self, examples: Sequence[Example]) -> dict[str, Any]:
        """The arguments that the base model's `forward` takes, of shape [B, longest example], and their labels."""
        batch = left_padded(examples, self._pad_id)
        return {name: value for name, value in batch.items() if name in self.accepted or name == "labels"}

    def for_training(self, examples: Sequence[Example]) -> dict[str, Any]:
        """The examples in packs if the model keeps these apart, else padded."""
        if len(examples) == 1 or not self.packs:  # one alone has no padding
            return self.padded(examples)
        most, longest = MOST_TOKENS[self._device.type], positions(self._model.get_base_model())
        return packed(examples, most if longest is None else min(most, longest))

    @cached_property
    def packs(self) -> bool:
        """Whether the model keeps packed examples apart, which is tried out once."""
        from fednode.training.rows_apart import keeps_rows_apart

        return keeps_rows_apart(self._model, self.accepted)

    def logits(self, batch: dict[str, Any]) -> torch.Tensor:
        """The logits [B, >= k, V] of a batch, which is moved to the model's device."""
        import torch

        moved = {
            name: value.to(self._device) if isinstance(value, torch.Tensor) else value for name, value in batch.items()
        }
        logits: torch.Tensor = self._model(**moved).logits
        return logits

"""The gradient of each row of a batch.

A trained tensor W of a LoRA adapter is the weight of a linear layer without a bias. The gradient of one row's loss by W
is the sum over the row's tokens of (gradient by the layer's output) x (the layer's input): Goodfellow 2015, "Efficient
Per-Example Gradient Computations", https://arxiv.org/abs/1510.01799. One backward pass over a batch has all that this
needs. Other models take a backward pass for each row, which is right wherever an ordinary backward pass is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, Protocol

import torch
from torch.nn import functional

from fednode.base_model.foreign_errors import told_as
from fednode.data.encode import Example
from fednode.evaluation.loss import row_losses
from fednode.training.types import TrainingError

Gradients = list[torch.Tensor | None]
"""For each parameter [B, *its shape], one gradient for each of B rows; None where no row has any."""
Collate = Callable[[Sequence[Example]], dict[str, Any]]
Forward = Callable[[dict[str, Any]], torch.Tensor]

_NEAR = 0.05  # of a gradient's norm: what rounding in 16 bits may make


class RowGradients(Protocol):
    """How the rows of a batch get their gradients. `at_once`: the most rows that a batch may have."""

    at_once: int

    def of(self, backward: Callable[[], object]) -> Gradients:
        """The gradients of what `backward` takes back through the model, which is the sum of the losses of a batch's
        rows."""
        ...


class OneByOne:
    """A backward pass for each row."""

    at_once = 1

    def __init__(self, parameters: Sequence[torch.nn.Parameter]) -> None:
        self._parameters = parameters

    def of(self, backward: Callable[[], object]) -> Gradients:
        for parameter in self._parameters:
            parameter.grad = None
        backward()
        return [None if parameter.grad is None else parameter.grad[None] for parameter in self._parameters]


class Together:
    """One backward pass for all rows. The parameters get no gradient of their own."""

    def __init__(self, layers: Sequence[torch.nn.Linear], at_once: int) -> None:
        self.at_once = at_once
        self._layers = layers
        self._found: dict[int, torch.Tensor] = {}

    def of(self, backward: Callable[[], object]) -> Gradients:
        self._found.clear()
        with self._watched():
            backward()
        return [self._found.get(number) for number in range(len(self._layers))]

    def _add(self, number: int, gradients: torch.Tensor) -> None:
        known = self._found.get(number)
        self._found[number] = gradients if known is None else known + gradients  # a layer may be used more than once

    @contextmanager
    def _watched(self) -> Iterator[None]:
        for number, layer in enumerate(self._layers):
            layer.forward = partial(_linear, layer.weight, partial(self._add, number))  # type: ignore[method-assign]
        try:
            yield
        finally:
            for layer in self._layers:
                del layer.forward


def row_gradients(
    model: torch.nn.Module, parameters: Sequence[torch.nn.Parameter], at_once: int, are_apart: bool
) -> RowGradients:
    """The fastest way that is right for `model`.

    Up to `at_once` rows go through it together if `are_apart` (see `keeps_gradients_apart`) and each parameter is the
    weight of a linear layer; else each row goes through it alone.
    """
    layers = _layers(model, parameters) if are_apart and at_once > 1 else None
    return OneByOne(parameters) if layers is None else Together(layers, at_once)


def keeps_gradients_apart(
    model: torch.nn.Module, parameters: Sequence[torch.nn.Parameter], forward: Forward, collate: Collate
) -> bool:
    """Whether a short row has the same gradient whatever stands beside it, and the one that it has alone. It is tried
    out on `model`, which is left as it was; with its adapter's B at zero too, because B has a gradient even then.

    `parameters`: all that are ever trained, each with `requires_grad`. `forward`: the logits [B, >= k, V] of a batch
    that `collate` made.
    """
    layers = _layers(model, parameters)
    if layers is None:
        return False
    first, other, second = (_example(*tokens) for tokens in ((1, 2, 3, 4, 5), (6, 7, 8, 9, 10), (11, 12, 13)))
    together, alone = Together(layers, 2), OneByOne(parameters)

    def of(how: RowGradients, *rows: Example) -> torch.Tensor:
        """The last row's gradients, float32 [values]."""
        gradients = how.of(lambda: torch.autograd.backward(_summed_loss(forward, collate(rows))))
        return torch.cat([gradient[-1].flatten().float() for gradient in gradients if gradient is not None])

    was_training = model.training
    model.eval()
    try:
        with told_as(TrainingError, "the model takes no rows together"):
            beside, beside_other, lonely = of(together, first, second), of(together, other, second), of(alone, second)
            return torch.equal(beside, beside_other) and bool((beside - lonely).norm() <= _NEAR * lonely.norm())
    except TrainingError:
        return False
    finally:
        model.train(was_training)
        for parameter in parameters:
            parameter.grad = None


def _summed_loss(forward: Forward, batch: dict[str, Any]) -> torch.Tensor:
    labels = batch.pop("labels")
    logits = forward(batch)
    return row_losses(logits, labels.to(logits.device)).sum()


class _Linear(torch.autograd.Function):
    """y = x W^T for x [B, T, in]. `take` gets the rows' gradients by W, [B, out, in]; W itself gets none."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, weight: torch.Tensor, take: Callable[[torch.Tensor], None]) -> torch.Tensor:
        ctx.save_for_backward(x, weight)
        ctx.take = take
        return functional.linear(x, weight)

    @staticmethod
    def backward(ctx: Any, *by_output: torch.Tensor) -> tuple[torch.Tensor | None, None, None]:
        (by_y,) = by_output
        x, weight = ctx.saved_tensors
        ctx.take(torch.einsum("bto,bti->boi", by_y, x))
        return (by_y @ weight if ctx.needs_input_grad[0] else None), None, None


def _linear(weight: torch.Tensor, take: Callable[[torch.Tensor], None], x: torch.Tensor) -> torch.Tensor:
    if x.dim() != 3:
        raise TrainingError(f"the rows' tokens come as {list(x.shape)}, so that nobody knows which row they are of")
    y: torch.Tensor = _Linear.apply(x, weight, take)
    return y


def _layers(model: torch.nn.Module, parameters: Sequence[torch.nn.Parameter]) -> list[torch.nn.Linear] | None:
    """The layer of each parameter; None if one of them is anything else than the weight of a linear layer."""
    linear = {id(layer.weight): layer for layer in model.modules() if type(layer) is torch.nn.Linear}
    layers: list[torch.nn.Linear] = []
    for parameter in parameters:
        layer = linear.get(id(parameter))
        if layer is None or layer.bias is not None:
            return None
        layers.append(layer)
    return layers


def _example(*tokens: int) -> Example:
    return Example(list(tokens), len(tokens) - 2, truncated=False, answer_cut=False)

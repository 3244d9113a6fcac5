"""AdamW whose second moment is factored: a mean for each row and each column of a matrix, not one for each value.

A site makes one or two steps between two averages, each time from a fresh optimiser. Adam's first step is the sign of
the gradient, and a mean of signs is not the sign of the mean. With a second moment that a whole row and a whole column
share, a step stays proportional to the gradient along both, and averages of steps stay near steps of averages.

First moment, bias corrections and decoupled decay: Kingma & Ba 2015, "Adam"; Loshchilov & Hutter 2019, "Decoupled
Weight Decay Regularization". Row and column means and the clipping of a step: Shazeer & Stern 2018, "Adafactor",
algorithm 4.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.optim import Optimizer

from fednode.training.optimizers import LARGEST_STEP


class FactoredAdamW(Optimizer):
    """For matrices; a tensor of another rank keeps a second moment for each value.

    The root mean square of a tensor's step is at most the learning rate, and no value of it moves by more than
    `LARGEST_STEP` learning rates.
    """

    def __init__(
        self,
        params: Any,
        lr: float,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._move(parameter, parameter.grad, group)
        return loss

    def _move(self, parameter: torch.Tensor, gradient: torch.Tensor, group: dict[str, Any]) -> None:
        (beta1, beta2), lr = group["betas"], group["lr"]
        state = self.state[parameter]
        square = gradient.square()
        means = [square.mean(dim=1), square.mean(dim=0)] if gradient.dim() == 2 else [square]
        if not state:
            state["step"] = 0
            state["first"] = torch.zeros_like(gradient)
            state["second"] = [torch.zeros_like(mean) for mean in means]
        state["step"] += 1
        state["first"].lerp_(gradient, 1 - beta1)
        for kept, mean in zip(state["second"], means, strict=True):
            kept.lerp_(mean, 1 - beta2)
        second = [kept / (1 - beta2 ** state["step"]) for kept in state["second"]]
        first = state["first"] / (1 - beta1 ** state["step"])
        step = first / (_whole(second).sqrt_().add_(group["eps"]))
        length = step.square().mean().sqrt()
        step = (step / length.clamp(min=1.0)).clamp_(-LARGEST_STEP, LARGEST_STEP)
        parameter.mul_(1 - lr * group["weight_decay"]).add_(step, alpha=-lr)


def _whole(second: list[torch.Tensor]) -> torch.Tensor:
    """The second moment of each value: of row and column means, the product over the mean of all."""
    if len(second) == 1:
        return second[0].clone()
    rows, columns = second
    return torch.outer(rows, columns) / rows.mean().clamp(min=torch.finfo(rows.dtype).tiny)

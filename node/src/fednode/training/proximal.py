"""FedProx: a pull back to where the round began. Li et al. 2020, "Federated Optimization in Heterogeneous Networks"."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch


def pull_of(parameters: Sequence[torch.nn.Parameter], mu: float) -> Callable[[], None]:
    """A function that adds mu (w - w_now) to the gradient that each of `parameters` has when it is called: that of
    mu/2 ||w - w_now||^2 beside the loss.

    To be called once a step, before gradients are clipped; the losses that training tells are without the pull.
    """
    starts = [(parameter, parameter.detach().clone()) for parameter in parameters] if mu else []

    def add() -> None:
        for parameter, start in starts:
            if parameter.grad is not None:
                parameter.grad = parameter.grad + mu * (parameter.detach() - start)

    return add

"""FedProx: a pull back to where the round began. Li et al. 2020, "Federated Optimization in Heterogeneous Networks"."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch


@contextmanager
def pulled_back(parameters: Sequence[torch.nn.Parameter], mu: float, micro_batches: int) -> Iterator[None]:
    """Add mu (w - w_now) to every gradient of `parameters`: that of mu/2 ||w - w_now||^2 beside the loss.

    Each of the `micro_batches` backward passes whose gradients make up a step adds its share. Gradients are clipped
    with the pull in them; the losses that training tells are without it.
    """
    share = mu / micro_batches
    pulls = [(parameter, _Pull(parameter, share)) for parameter in parameters] if mu else []
    hooks = [parameter.register_hook(pull) for parameter, pull in pulls]  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def pull_afterwards(parameters: Sequence[torch.nn.Parameter], mu: float) -> Callable[[], None]:
    """A function that adds mu (w - w_now) to the gradient that each of `parameters` has when it is called."""
    pulls = [(parameter, _Pull(parameter, mu)) for parameter in parameters] if mu else []

    def add() -> None:
        for parameter, pull in pulls:
            if parameter.grad is not None:
                parameter.grad = pull(parameter.grad)

    return add


class _Pull:
    def __init__(self, parameter: torch.nn.Parameter, share: float) -> None:
        self._parameter = parameter
        self._start = parameter.detach().clone()
        self._share = share

    def __call__(self, gradient: torch.Tensor) -> torch.Tensor:
        return gradient + self._share * (self._parameter.detach() - self._start)

"""The gradient of a step of DP-SGD: each row's gradient clipped, their sum with noise.

Abadi et al. 2016, "Deep Learning with Differential Privacy", algorithm 1.

Whatever follows (the pull of FedProx, the clipping to the spec's `max_grad_norm`, the optimiser, weight decay, scaling
and rounding) sees the noisy gradient only, and so costs no privacy.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch

from fednode.training.row_gradients import Gradients
from fednode.training.secret_randomness import Randomness
from fednode.training.types import NotFinite, PrivateSteps


class NoisyGradient:
    """Gathers the gradients of one step's rows. `expected`: how many rows a step has on average."""

    def __init__(
        self,
        parameters: Iterable[torch.nn.Parameter],
        settings: PrivateSteps,
        expected: float,
        randomness: Randomness,
    ) -> None:
        self._parameters = list(parameters)
        self._settings = settings
        self._expected = expected
        self._randomness = randomness
        self._sums = [torch.zeros_like(parameter) for parameter in self._parameters]
        self.lost = 0  # rows whose gradient was not finite, and which count as zero

    def add(self, gradients: Gradients) -> None:
        """Add the clipped gradients of some rows.

        A row whose gradient is not finite adds nothing: that is within the bound, and giving up would tell of the row.
        """
        there = [gradient for gradient in gradients if gradient is not None]
        if not there:
            return
        squares = sum(gradient.double().square().flatten(1).sum(dim=1) for gradient in there)
        norms = torch.as_tensor(squares).sqrt()
        finite = norms.isfinite()
        self.lost += int((~finite).sum())
        factors = (self._settings.clip / norms[finite]).clamp(max=1.0)
        for total, gradient in zip(self._sums, gradients, strict=True):
            if gradient is not None:
                total.add_(torch.tensordot(factors.to(gradient.dtype), gradient[finite], dims=1))

    def finish(self) -> None:
        """Put the mean into the parameters as their gradient: (sum + noise * clip * normal) / expected.

        The divisor is the number of rows that a step has on average, not how many it had, which is secret.
        """
        spread = self._settings.noise * self._settings.clip
        for parameter, total in zip(self._parameters, self._sums, strict=True):
            noise = torch.from_numpy(self._randomness.normal(total.numel()) * spread).view(total.shape)
            parameter.grad = ((total.double() + noise.to(total.device)) / self._expected).to(total.dtype)
            total.zero_()


def require_some_finite(lost: int, rows: int, step: int) -> None:
    """Raise NotFinite if none of the `rows` rows of a step has a finite gradient: then the model is broken."""
    if rows and lost == rows:
        raise NotFinite(f"no row of step {step} has a finite gradient; lower the learning rate of the spec")

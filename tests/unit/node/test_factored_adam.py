"""The optimiser with a factored second moment: its formulas, its limits, and why a federation is better off with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
from fednode.training.factored_adam import FactoredAdamW
from fednode.training.optimizers import LARGEST_STEP
from numpy.typing import NDArray

RATE, DECAY = 1e-2, 0.1
ROWS, COLUMNS = 24, 8
Optimizer = Callable[..., torch.optim.Optimizer]


def trained(of: Optimizer, gradients: Sequence[torch.Tensor], decay: float = 0.0) -> torch.Tensor:
    """Where a tensor of ones is after a step with each of the gradients."""
    weights = torch.nn.Parameter(torch.ones_like(gradients[0]))
    optimizer = of([weights], lr=RATE, weight_decay=decay)
    for gradient in gradients:
        weights.grad = gradient.clone()
        optimizer.step()
    return weights.detach()


def in_numpy(gradients: Sequence[torch.Tensor], decay: float) -> NDArray[np.float64]:
    """The same in float64, out of the papers' formulas."""
    weights, first = np.ones((ROWS, COLUMNS)), np.zeros((ROWS, COLUMNS))
    rows, columns = np.zeros(ROWS), np.zeros(COLUMNS)
    for t, gradient in enumerate((g.numpy().astype(np.float64) for g in gradients), start=1):
        first = 0.9 * first + 0.1 * gradient
        rows = 0.999 * rows + 0.001 * (gradient**2).mean(axis=1)
        columns = 0.999 * columns + 0.001 * (gradient**2).mean(axis=0)
        second = np.outer(rows, columns) / rows.mean() / (1 - 0.999**t)
        step = first / (1 - 0.9**t) / (np.sqrt(second) + 1e-8)
        step /= max(1.0, np.sqrt((step**2).mean()))
        weights = (1 - RATE * decay) * weights - RATE * np.clip(step, -LARGEST_STEP, LARGEST_STEP)
    return weights


@pytest.mark.parametrize("decay", [0.0, DECAY])
def test_it_is_what_the_papers_say(decay: float) -> None:
    torch.manual_seed(0)
    gradients = [torch.randn(ROWS, COLUMNS) * 10.0 ** torch.randint(-3, 3, (ROWS, 1)) for _ in range(6)]
    found = trained(FactoredAdamW, gradients, decay).numpy()
    np.testing.assert_allclose(found, in_numpy(gradients, decay), rtol=0, atol=RATE * 1e-4)
    assert np.abs(found - trained(torch.optim.AdamW, gradients, decay).numpy()).max() > 0.1 * RATE


@pytest.mark.parametrize("shape", [(ROWS, COLUMNS), (ROWS,)], ids=["a matrix", "a vector"])
def test_where_all_gradients_have_one_size_it_is_adamw(shape: tuple[int, ...]) -> None:
    """Then the product of row and column means is each value's own; a vector's moments are each value's own anyway."""
    torch.manual_seed(1)
    gradients = [0.1 * torch.randn(shape).sign() for _ in range(4)]
    expected = trained(torch.optim.AdamW, gradients, DECAY)
    torch.testing.assert_close(trained(FactoredAdamW, gradients, DECAY), expected, rtol=0, atol=RATE * 1e-4)


def test_no_step_is_longer_than_its_bounds() -> None:
    """A diagonal, whose rows and columns say least of where the values are, and what was silent for long."""
    step = (trained(FactoredAdamW, [torch.eye(400)]) - 1).abs() / RATE
    assert float(step.max()) == pytest.approx(LARGEST_STEP, rel=1e-3), "the root of 400 without a limit"
    torch.manual_seed(3)
    late = [torch.zeros(ROWS, COLUMNS)] * 1000 + [torch.randn(ROWS, COLUMNS)]
    step = (trained(FactoredAdamW, late) - 1) / RATE
    assert float(step.square().mean().sqrt()) == pytest.approx(1, rel=1e-3), "2.5 without a limit"


@pytest.mark.parametrize("size", [0.0, 1e-30, 1e-12, 1e12])
def test_gradients_of_every_size_give_finite_steps(size: float) -> None:
    torch.manual_seed(2)
    gradient = size * torch.randn(ROWS, COLUMNS)
    gradient[0], gradient[:, 0] = 0, 0
    moved = trained(FactoredAdamW, [gradient, torch.zeros_like(gradient), gradient]) - 1
    assert bool(moved.isfinite().all()) and float(moved.abs().max()) <= 3 * RATE * LARGEST_STEP
    assert not moved[0].any() and not moved[:, 0].any(), "what has no gradient stays"


def test_averaged_steps_are_nearer_to_a_step_of_averages_than_adams() -> None:
    """What it is for: four sites' gradients are the same one and noise, with rows and columns of their own sizes."""

    def apart(of: Optimizer, seed: int) -> float:
        torch.manual_seed(seed)
        sizes = torch.randn(64, 1).exp() * torch.randn(1, 8).exp()
        common = torch.randn(64, 2) @ torch.randn(2, 8)
        sites = [sizes * (common + noise * torch.randn(64, 8)) for noise in (0.3, 0.5, 1.0, 2.0)]
        mean = sum(trained(of, [gradient]) for gradient in sites) / len(sites) - 1
        pooled = trained(of, [sum(sites) / len(sites)]) - 1  # type: ignore[list-item]  # sum() may be int
        return float((mean - pooled).norm() / pooled.norm())

    ours, adams = ([apart(of, seed) for seed in range(5)] for of in (FactoredAdamW, torch.optim.AdamW))
    assert all(our < 0.9 * adam for our, adam in zip(ours, adams, strict=True)), (ours, adams)


def test_its_second_moment_is_small() -> None:
    weights = torch.nn.Parameter(torch.ones(ROWS, COLUMNS))
    optimizer = FactoredAdamW([weights], lr=RATE)
    weights.grad = torch.ones_like(weights)
    optimizer.step()
    assert sum(kept.numel() for kept in optimizer.state[weights]["second"]) == ROWS + COLUMNS

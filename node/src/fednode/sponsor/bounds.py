"""How far honest training can move an adapter in a round: what `fednode spec new` bounds updates by.

Each optimiser's longest step, times learning rate and steps, is a bound that holds for every gradient:

- AdamW. Step t is lr * m / sqrt(v) with m and v weighted sums of g and g^2; by Cauchy and Schwarz at most lr * c_t for
  each value, c_1 = 1 rising to 7.27. Kingma & Ba 2015, "Adam", section 2.1, say lr for usual gradients and
  lr * (1 - beta1) / sqrt(1 - beta2) = 3.16 lr for one that follows long silence; c_t is the worst of all histories.
- Lion. Its step is a sign: lr. Chen et al. 2023, "Symbolic Discovery of Optimization Algorithms", algorithm 2.
- Adagrad. The sum under the root holds the gradient itself: lr. Duchi et al. 2011, "Adaptive Subgradient Methods".
- RMSprop. The mean under the root holds a hundredth of the squared gradient: 10 lr. Tieleman & Hinton 2012, lecture 6e.
- `adamw_factored`. The root mean square of a tensor's step is clipped to lr, and each value's to LARGEST_STEP lr: see
  `fednode.training.factored_adam`.
- SGD, as transformers sets it up, without momentum. The gradient is clipped to max_grad_norm: lr * max_grad_norm in L2.

Weight decay of AdamW, Lion and SGD takes a share of each weight on top; the others put it into the gradient, where it
changes nothing. FedProx's pull is part of the gradient as well. With LoRA+, B's steps are `rate_ratio_b` times as long.

Look-ahead b, with a server's rate s: if no update is longer than R, a global is at most s R away from the one before
it, a round begins at most b s R away from its global, and its training moves at most L. What is sent counts from the
global: at most L + b s R, which is R again for R = L / (1 - b s). The spec sees to b s < 1. A rule that keeps a
momentum of 0.3 can move a global 1 / 0.7 times as far, and one that takes the middle of the values sqrt(2) times. With
b s up to a half the margin has room for that; beyond it a node scales down an update that would be longer.

Optimisers that keep their state in eight or four bits are not here: a second moment that is rounded down makes steps of
any length.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from fedprotocol.errors import FedError
from fedprotocol.numbers import SHIFT_LIMIT, UNIT
from fedprotocol.spec import SERVER_LR_ONE, Bounds, Layout, Lora, Training
from fedprotocol.types import MASKED_BITS
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, PositiveFloat

from fednode.training.optimizers import FACTORED, LARGEST_STEP
from fednode.training.schedule import learning_rate

MARGIN = 2.0
"""How many times larger the upper bounds are than what honest training can reach. docs/experiments.md says how far it
did reach."""

FLOOR = 0.01
"""The lower bound as a share of one ordinary step at the schedule's lowest rate. An update below it is nearly
nothing."""

BETA1, BETA2 = 0.9, 0.999  # transformers' defaults, which the trainer keeps
RMSPROP_ALPHA = 0.99  # torch's
_COUNTED = 10_000  # steps, after which c_t is taken for its limit
_USUAL_GRADIENT = 0.1  # L2, for the floor of SGD, whose steps are as small as its gradients


class NoBound(FedError):
    """The longest step of this optimiser is not known, so the sponsor has to give the bounds."""


class ChosenBounds(BaseModel):
    """The bounds that the sponsor sets by hand; None means that the bound is computed. Norms in real values."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_shift: int | None = None
    max_norm: PositiveFloat | None = None
    min_norm: PositiveFloat | None = None


@dataclass(frozen=True)
class Reach:
    """How far one site can move the adapter in one round, in real values. `value`: the most that one value can move.
    `norm` (L2): the most that all can move. `step` (L2): how far one step moves them where training is slowest."""

    value: float
    norm: float
    step: float


def require_bound(chosen: ChosenBounds, training: Training) -> None:
    """Raise NoBound unless `bounds_of` can say something: for an optimiser whose longest step is not known, `chosen`
    must have both norms."""
    if _is_known(training) or (chosen.max_norm is not None and chosen.min_norm is not None):
        return
    raise NoBound(
        f"how far training with the optimizer {training.optimizer!r} and these rates can go is not known, so that the "
        "bounds of an update cannot be computed: give --max-norm and --min-norm, such as twice the largest and a "
        f"hundredth of the smallest L2 norm of updates that you measured, or take one of {', '.join(sorted(STEPS))}"
    )


def bounds_of(
    chosen: ChosenBounds, training: Training, lora: Lora, layout: Layout, server_lr: int, genesis: NDArray[np.int32]
) -> Bounds:
    """The spec's bounds. `server_lr`: unit 2^-16; `genesis`: int32 [value_count], units of 2^-24. Raises NoBound."""
    require_bound(chosen, training)
    max_norm, min_norm = chosen.max_norm, chosen.min_norm
    if _is_known(training):
        found = reach(training, lora, layout, server_lr, genesis)
        max_norm = max_norm or _short(MARGIN * found.norm)
        min_norm = min_norm or _short(FLOOR * found.step)
    assert max_norm is not None and min_norm is not None  # noqa: S101 - `require_bound` saw to it
    shift = chosen.max_shift
    if shift is None:
        largest = largest_value(max_norm, training, lora, layout, server_lr, genesis)
        shift = 0 if layout.mantissa_bits == MASKED_BITS else shift_for(largest, layout.mantissa_bits)
    return Bounds(max_shift=shift, max_norm=max_norm, min_norm=min_norm)


def largest_value(
    max_norm: float, training: Training, lora: Lora, layout: Layout, server_lr: int, genesis: NDArray[np.int32]
) -> float:
    """How large one value of an update must be able to be, real: with room for what honest training can reach, and no
    larger than an update whose L2 norm is at most `max_norm` can have. The rest is as for `bounds_of`."""
    if not _is_known(training):
        return max_norm
    return min(max_norm, MARGIN * reach(training, lora, layout, server_lr, genesis).value)


def shift_for(value: float, bits: int) -> int:
    """The smallest shift with which mantissas of `bits` bits hold `value` (real); the largest one if none does."""
    high, largest = (1 << (bits - 1)) - 1, SHIFT_LIMIT - bits
    return next((shift for shift in range(largest) if value <= (high << shift) * UNIT), largest)


def reach(training: Training, lora: Lora, layout: Layout, server_lr: int, genesis: NDArray[np.int32]) -> Reach:
    """The reach in any round of the federation, with an optimiser in `STEPS` whose decay takes no more than a weight
    has."""
    decays, of_values, of_a_value = STEPS[training.optimizer]
    rates = [learning_rate(training, number) for number in (1, training.rounds)]
    lengths = [_rates_norm(training, lora, layout, number) for number in (1, 2)]
    ratio = max(1.0, training.rate_ratio_b)
    if of_values is None:
        norm = value = max(rates) * ratio * training.steps * training.max_grad_norm
        step = min(rates) * min(1.0, training.rate_ratio_b) * min(training.max_grad_norm, _USUAL_GRADIENT)
    else:
        value = max(rates) * ratio * (of_a_value or of_values)(training.steps)
        norm = max(rates) * of_values(training.steps) * max(lengths)
        step = min(rates) * min(lengths)
    decay = max(rates) * ratio * training.weight_decay if decays else 0.0
    # What decay takes off a weight is a share of it, and no round of honest ones begins farther from the first global
    # than all rounds' steps together, and once more ahead.
    share = 1 - (1 - decay) ** training.steps
    start = genesis.astype(np.float64) * UNIT
    rate = server_lr / SERVER_LR_ONE
    ahead = 1 / (1 - training.look_ahead * rate)
    rounds = (training.rounds + training.look_ahead) * rate * ahead
    value += share * (float(np.abs(start).max()) + rounds * value)
    norm += share * (float(np.linalg.norm(start)) + rounds * norm)
    return Reach(value * ahead, norm * ahead, step)


def _rates_norm(training: Training, lora: Lora, layout: Layout, round: int) -> float:
    """The L2 norm of a step of one learning rate for each value that the round trains."""
    squares = 0.0
    for tensor in layout.tensors:
        if lora.trains(tensor.name, round):
            rate = training.rate_ratio_b if ".lora_B." in tensor.name else 1.0
            squares += rate**2 * math.prod(tensor.shape)
    return math.sqrt(squares)


def adam_steps(steps: int) -> float:
    """The most that `steps` steps of a fresh Adam move one value, in learning rates: the sum of the c_t."""
    t = np.arange(1, min(steps, _COUNTED) + 1, dtype=np.float64)
    ratio = BETA1**2 / BETA2
    limit = (1 - BETA1) / math.sqrt((1 - BETA2) * (1 - ratio))
    worst = limit * np.sqrt((1 - BETA2**t) * (1 - ratio**t)) / (1 - BETA1**t)
    return float(worst.sum()) + limit * (steps - t.size)


def _is_known(training: Training) -> bool:
    """Whether the optimiser's is, and decay small enough not to push a weight beyond zero, farther with each step."""
    decay = training.learning_rate * max(1.0, training.rate_ratio_b) * training.weight_decay
    return training.optimizer in STEPS and decay <= 1


def _short(value: float) -> float:
    """Four digits, for people to read."""
    return float(f"{value:.4g}")


def _rmsprop_steps(steps: int) -> float:
    return steps / math.sqrt(1 - RMSPROP_ALPHA)


class Steps(NamedTuple):
    """What an optimiser's steps can reach, in learning rates, by their number.

    `decays`: weight decay comes on top of a step. `values`: the most by which the values of a tensor move, as a root
    mean square; None: the clipped gradient bounds all values together. `value`: the most by which one value moves, if
    that is more."""

    decays: bool
    values: Callable[[int], float] | None
    value: Callable[[int], float] | None = None


_ADAMW = Steps(True, adam_steps)
_LION = Steps(True, float)
STEPS: dict[str, Steps] = {
    "adamw_torch": _ADAMW,
    "adamw_torch_fused": _ADAMW,
    "adamw_torch_xla": _ADAMW,
    "adamw_torch_npu_fused": _ADAMW,
    "paged_adamw_32bit": _ADAMW,
    FACTORED: Steps(True, float, lambda steps: LARGEST_STEP * steps),
    "lion_32bit": _LION,
    "lion_8bit": _LION,
    "paged_lion_32bit": _LION,
    "paged_lion_8bit": _LION,
    "adagrad": Steps(False, float),
    "rmsprop": Steps(False, _rmsprop_steps),
    "sgd": Steps(True, None),
}

"""What training gives back and how it fails."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from fedprotocol.errors import FedError
from pydantic import Field

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class TrainingError(FedError):
    """Training cannot start, or its result is no update."""


class NotFinite(TrainingError):
    """A loss or a weight became NaN or infinite."""


class Diverged(TrainingError):
    """A weight left the range that a global adapter can hold."""


class ZeroDelta(TrainingError):
    """Training changed no weight by as much as half a unit."""


class NearlyNothing(TrainingError):
    """Training changed less than an update of this federation has to."""


class LayoutMismatch(TrainingError):
    """The adapter that peft builds on this base model is not the one of the spec."""


@dataclass(frozen=True)
class PrivateSteps:
    """How a site's steps are made private. `clip`: the largest L2 norm of one row's gradient. `noise`: the standard
    deviation of the noise in their sum, in units of `clip` (the noise multiplier)."""

    noise: float
    clip: float


@dataclass(frozen=True)
class Choice:
    """How each token of an answer is chosen. `temperature`: 0 for the likeliest one; above 0 it is drawn, from logits
    divided by it. `top_p`: it is drawn from the likeliest tokens that together have at least this probability (nucleus
    sampling, Holtzman et al. 2020). `seed`: the same draws again; None: others each time."""

    temperature: float = 0.0
    top_p: float = 1.0
    seed: int | None = None


LIKELIEST = Choice()


@dataclass(frozen=True)
class Answer:
    """What a model answered: `text` without white space around it; how many tokens the prompt and the answer have, end
    of text included; `has_ended`: the model itself came to an end."""

    text: str
    prompt_tokens: int
    tokens: int
    has_ended: bool


Measured = Annotated[float, Field(ge=0, allow_inf_nan=False)]


@dataclass(frozen=True)
class StepRecord:
    """One optimiser step, from 1. `loss`: mean over its answer tokens, in nats; `tokens`: all but padding; `seconds` by
    the wall. The limits hold for what is read from a file: see `fednode.training.step_files`."""

    step: Annotated[int, Field(ge=1)]
    loss: Measured
    lr: Measured
    tokens: Annotated[int, Field(ge=0)]
    seconds: Measured


@dataclass(frozen=True)
class TrainResult:
    """`units_delta`: float64 [value_count], in units of 2^-24 and layout order. The losses are those of the first and
    the last step. `drawn` counts the different rows that were encoded for them, `truncated` those of them that were cut
    to the sequence length."""

    units_delta: NDArray[np.float64]
    loss_first: float
    loss_last: float
    steps: list[StepRecord]
    drawn: int
    truncated: int

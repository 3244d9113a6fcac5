"""Tries a spec before it is final: everything that a node will do with it is done once, on made-up rows, with the
node's functions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fedprotocol.errors import FedError
from fedprotocol.foreign_errors import in_a_line, told_as
from fedprotocol.masks.document import Masking
from fedprotocol.program.unforeseen import lacks_memory
from fedprotocol.spec import Spec

from fednode.sponsor.new_spec import NewFederation

if TYPE_CHECKING:
    import numpy as np
    from datasets import Dataset
    from numpy.typing import NDArray

    from fednode.training import AdapterModel

Stage = Callable[[str], AbstractContextManager[object]]
"""A context manager that gets the name of what is done inside it."""


class TrialFailed(FedError):
    """No node could serve this spec, as far as this machine can tell."""


@dataclass(frozen=True)
class Trial:
    """`step_seconds`: of one optimiser step here. `remarks`: things that nodes can do but that the sponsor hardly
    intends."""

    step_seconds: float
    remarks: tuple[str, ...]


def try_out(
    federation: NewFederation,
    source: str | None,
    device: str,
    threads: int,
    stage: Stage = lambda _: nullcontext(),
) -> Trial:
    """Load the base model as the spec says, take a step of training on rows as long as a row can be, encode what it
    changed within the spec's bounds, score two items.

    `source`, `device`, `threads`: as for `AdapterModel.load`. Where sites train A and B in turn, one step of each.
    Raises TrialFailed for what the libraries raise, and what a node would: BaseModelError, EncodingError,
    LayoutMismatch, TrainingError.
    """
    spec = federation.spec
    from fednode.training import AdapterModel

    with stage("loading the base model as the spec says"), _must_work("load the base model as the spec says"):
        model = AdapterModel.load(spec, source, device, threads)
        model.set_global(spec.layout.weights(federation.genesis))
    with stage("training one step with made-up rows"), _must_work("train one step as the spec says"):
        rows = made_up(spec, spec.training.batch_size * spec.training.gradient_accumulation)
        delta, seconds = _step(model, spec, rows, 1)
        if spec.lora.factors == "alternating" and spec.training.rounds > 1:
            _step(model, spec, rows, 2)
    with stage("encoding the update and scoring"), _must_work("encode an update or score answers"):
        remarks = _within_bounds(spec, delta)
        model.evaluate(spec, made_up(spec, 2))
    longest = model.seen_length
    if longest is not None and spec.training.sequence_length > longest:
        remarks += (
            f"training.sequence_length is {spec.training.sequence_length}, and the base model was made for at most "
            f"{longest} tokens: of longer rows it makes little sense",
        )
    return Trial(seconds, remarks)


def made_up(spec: Spec, count: int) -> Dataset:
    """`count` rows of numbers, answered by the classes in turn, or at length where there are none. All are as long as
    the spec allows but the last of several, which is padded."""
    from datasets import Dataset

    from fednode.data.turns import as_text

    numbers = " ".join(map(str, range(spec.training.sequence_length)))  # a token each at least
    answers = spec.evaluation.classes or (numbers[: len(numbers) // 2],)
    rows = [{"prompt": numbers, "completion": answers[row % len(answers)]} for row in range(count)]
    if count > 1:
        rows[-1] = {"prompt": "0", "completion": answers[0] if spec.evaluation.classes else "0"}
    if spec.prompt.is_chat:
        rows = [{**row, "prompt": as_text([("user", row["prompt"])])} for row in rows]
    return Dataset.from_list(rows)


def _step(model: AdapterModel, spec: Spec, rows: Dataset, number: int) -> tuple[NDArray[np.float64], float]:
    """What one step of round `number` changes, float64 [value_count] in units, and how many seconds it took."""
    result = model.train(spec.with_steps(1), rows, number, seed=0)
    return result.units_delta, result.steps[0].seconds


def _within_bounds(spec: Spec, step: NDArray[np.float64]) -> tuple[str, ...]:
    """Remarks on what one step of round 1 does to the bounds. Raises NearlyNothing or ZeroDelta if even all steps of a
    round in one direction, at the schedule's lowest rate, would change too little."""
    from fednode.training.adapter import require_change
    from fednode.training.schedule import learning_rate
    from fednode.training.update import make_update

    training, bounds = spec.training, spec.bounds
    slowest = learning_rate(training, training.rounds) / learning_rate(training, 1)
    furthest = step * (slowest * training.steps)
    require_change(furthest)
    if spec.masking is not None:
        return _within_masking(spec.masking, spec, furthest, step)
    make_update(furthest, spec, 0, training.rounds)
    no_floor = spec.model_copy(update={"bounds": bounds.model_copy(update={"min_norm": 0.0})})
    update = make_update(step, no_floor, 0, 1)
    remarks = []
    if update.scaled < 1:
        remarks.append(
            f"one step goes beyond bounds.max_norm already: every update will be cut down to {bounds.max_norm:g}"
        )
    if update.clipped:
        remarks.append(
            f"one step takes {update.clipped} values beyond what bounds.max_shift {bounds.max_shift} can express "
            "already: they will be cut down to that"
        )
    return tuple(remarks)


def _within_masking(
    masking: Masking, spec: Spec, furthest: NDArray[np.float64], step: NDArray[np.float64]
) -> tuple[str, ...]:
    """The same for a masked federation, in which a site itself looks whether its update is too small."""
    import numpy as np

    from fednode.masking.weighted import weighted_delta
    from fednode.training.update import norm_units, require_enough

    require_enough(norm_units(float(np.square(furthest).sum())), spec)
    clipped = weighted_delta(step, 1, masking.scale, masking.bound, np.random.default_rng(0)).clipped
    if not clipped:
        return ()
    return (f"one step takes {clipped} values beyond {spec.largest_value:.4g} already: sites will cut them to that",)


@contextmanager
def _must_work(what: str) -> Iterator[None]:
    """Whatever libraries raise leaves as TrialFailed, for it would end every node's work in the same way; a lack of
    memory says something of this machine alone. `what`: what is done, after "could" or "to"."""
    with told_as(TrialFailed, f"no node could {what}"):
        try:
            yield
        except Exception as error:
            if isinstance(error, FedError) or not lacks_memory(error):
                raise
            raise TrialFailed(
                f"this machine has not enough memory to {what} ({in_a_line(error)}): choose a smaller "
                "training.batch_size or training.sequence_length, training.gradient_checkpointing, or a larger machine"
            ) from error

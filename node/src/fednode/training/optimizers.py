"""The optimisers that a spec can name: those of transformers' Trainer, and one of ours."""

from __future__ import annotations

from difflib import get_close_matches

from fednode.training.types import TrainingError

FACTORED = "adamw_factored"  # `fednode.training.factored_adam`
LARGEST_STEP = 10.0  # its: the most that one step moves a value, in learning rates
_IN_BACKWARD = ("lomo", "layerwise")
"""In the names of optimisers that step while the gradient is still being computed."""
SAFE = "adamw_torch"  # needs no other package, and keeps its state in 32 bits


def require_optimizer(name: str) -> None:
    """Raise TrainingError, with the name that was probably meant, unless there is an optimiser `name`; and for one that
    steps inside the backward pass: a step's gradient may come from several passes, and what is added to it (noise,
    FedProx's pull, other processes' shares) comes after them."""
    from transformers.training_args import OptimizerNames

    known = [*(optimizer.value for optimizer in OptimizerNames), FACTORED]
    if name in known:
        if any(part in name for part in _IN_BACKWARD):
            raise TrainingError(
                f"training.optimizer {name!r} steps inside the backward pass, before the gradient of a step is whole. "
                f"It is made to save memory where all weights are trained, and an adapter's are few; {SAFE} is a safe "
                "choice"
            )
        return
    [nearest] = get_close_matches(name, known, n=1) or [""]
    meant = SAFE if name[:4] == SAFE[:4] and nearest != FACTORED else nearest
    advice = f"was {meant} meant?" if meant else f"{SAFE} is a safe choice"
    raise TrainingError(f"training.optimizer {name!r} is unknown; {advice}")

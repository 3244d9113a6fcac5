"""Whether a model keeps packed rows apart."""

from __future__ import annotations

from collections.abc import Collection

import torch
from peft import PeftModel

from fednode.base_model.foreign_errors import told_as
from fednode.training.types import TrainingError

_FIRST, _OTHER, _SECOND = (1, 2, 3, 4), (5, 6, 7, 8), (9, 10, 11)  # tokens
_NEAR = 0.05  # of the logits' standard deviation: what rounding in 16 bits may make


@torch.no_grad()
def keeps_rows_apart(model: PeftModel, accepted: Collection[str]) -> bool:
    """Whether a row's logits are the same behind another row as alone, whatever stands in that other row.

    `accepted`: the names of the arguments that the base model's `forward` takes.
    """
    if not all(name in accepted for name in ("position_ids", "logits_to_keep", "use_cache")):
        return False
    was_training = model.training
    model.eval()
    try:
        with told_as(TrainingError, "the model takes no packed rows"):
            behind, behind_other = (_last(model, first, _SECOND) for first in (_FIRST, _OTHER))
            alone = _last(model, _SECOND)
    except TrainingError:
        return False
    finally:
        model.train(was_training)
    return torch.equal(behind, behind_other) and bool((behind - alone).abs().max() <= _NEAR * alone.std())


def _last(model: PeftModel, *rows: tuple[int, ...]) -> torch.Tensor:
    """The logits behind the last token: float32 [V]."""
    vocabulary = model.get_input_embeddings().num_embeddings
    ids = [token % vocabulary for row in rows for token in row]
    positions = [position for row in rows for position in range(len(row))]
    output = model(
        input_ids=torch.tensor([ids], device=model.device),
        position_ids=torch.tensor([positions], device=model.device),
        logits_to_keep=torch.tensor([len(ids) - 1], device=model.device),
        use_cache=False,
    )
    logits: torch.Tensor = output.logits[0, -1].float()
    return logits

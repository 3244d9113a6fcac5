"""Global 0: the layout and first values of a new federation's adapter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fedprotocol.numbers import quantize_global
from fedprotocol.spec import Lora, Tensor

from fednode.base_model import check_length, commit_of, load_skeleton, locate, weights_digest
from fednode.training.adapter import attach, initial_values, layout_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class NewAdapter:
    """What `fednode spec new` needs: the layout's tensors in order, global 0 (int32 [value_count], units), the base
    model's digest (0x-hex), and the hub's commit if it came from there."""

    tensors: tuple[Tensor, ...]
    units: NDArray[np.int32]
    digest: str
    commit: str | None


def new_adapter(
    lora: Lora, source: str, seed: int, revision: str | None = None, sequence_length: int = 1
) -> NewAdapter:
    """A fresh adapter on the base model at `source` (folder, GGUF file or hub id). Loads no weights into memory.

    Raises LayoutMismatch for a target module that the model does not have, BaseModelMissing, BaseModelError (also if it
    has no positions for `sequence_length` tokens).
    """
    folder = locate(source, revision)
    skeleton = load_skeleton(folder)
    check_length(skeleton, sequence_length)
    tensors = layout_of(attach(skeleton, lora))
    return NewAdapter(
        tensors, quantize_global(initial_values(tensors, seed)), weights_digest(folder), commit_of(folder)
    )

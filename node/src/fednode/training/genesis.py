"""Global 0: the layout and first values of a new federation's adapter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fedprotocol.numbers import quantize_global
from fedprotocol.spec import Lora, Tensor

from fednode.base_model import Identity, check_length, commit_of, identity_of, load_skeleton, locate
from fednode.training.adapter import attach, initial_values, layout_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class NewAdapter:
    """What `fednode spec new` needs: the layout's tensors in order, global 0 (int32 [value_count], units), what makes
    the base model what it is, and the hub's commit if it came from there."""

    tensors: tuple[Tensor, ...]
    units: NDArray[np.int32]
    base: Identity
    commit: str | None


def new_adapter(
    lora: Lora,
    source: str,
    seed: int,
    revision: str | None = None,
    sequence_length: int = 1,
    texts: Sequence[str] = (),
) -> NewAdapter:
    """A fresh adapter on the base model at `source` (folder, GGUF file or hub id). Loads no weights into memory.

    `texts`: those of the spec, for `identity_of`.

    Raises LayoutMismatch for a target module that the model does not have, BaseModelMissing, BaseModelError (also if it
    has no positions for `sequence_length` tokens).
    """
    folder = locate(source, revision)
    skeleton = load_skeleton(folder)
    check_length(skeleton, sequence_length)
    tensors = layout_of(attach(skeleton, lora))
    units = quantize_global(initial_values(tensors, seed))
    return NewAdapter(tensors, units, identity_of(folder, texts), commit_of(folder))

"""What a round leaves as it is: the factors of LoRA that it does not train."""

from __future__ import annotations

import math

import numpy as np
from fedprotocol.spec import Spec
from numpy.typing import NDArray


def frozen_values(spec: Spec, round: int) -> NDArray[np.bool_] | None:
    """Which values must not change in round `round` (from 1), bool [value_count]; None if all may change."""
    tensors = spec.layout.tensors
    stays = [not spec.lora.trains(tensor.name, round) for tensor in tensors]
    return np.repeat(stays, [math.prod(tensor.shape) for tensor in tensors]) if any(stays) else None


def frozen_leaves(spec: Spec, round: int) -> frozenset[int]:
    """The leaves of an update that hold no other values than these: they are zeros, whatever a site has trained on."""
    frozen = frozen_values(spec, round)
    if frozen is None:
        return frozenset()
    rows = np.ones((spec.layout.leaf_count, spec.layout.leaf_values), np.bool_)  # what fills the last leaf is zero too
    rows.reshape(-1)[: frozen.size] = frozen
    return frozenset(np.flatnonzero(rows.all(axis=1)).tolist())

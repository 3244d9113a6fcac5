"""What an attester checks of an update beyond the tree that the store has verified already."""

from __future__ import annotations

import math

import numpy as np
from fedprotocol.car import Leaves
from fedprotocol.errors import FedError
from fedprotocol.numbers import check_shift, from_bytes
from fedprotocol.spec import Spec
from numpy.typing import NDArray

from fednode.update import norm_units


class BadUpdate(FedError):
    """An update that is served, but is not one of this federation."""


def check_update(leaves: Leaves, shift: int, spec: Spec, round: int) -> float:
    """The L2 norm of a decoded update of round `round`, in real values; reads one leaf at a time.

    Raises:
        BadUpdate: wrong shape, shift out of range, non-zero padding, a factor changed that the round does not train,
            all zero, or a norm above the spec's bound.
    """
    layout = spec.layout
    if leaves.shape != layout.delta_shape:
        raise BadUpdate(f"its tree is {leaves.shape}, updates of this federation are {layout.delta_shape}")
    check_shift(layout.mantissa_bits, shift)
    squares = 0
    used = layout.value_count
    frozen = _frozen(spec, round)
    for index in range(layout.leaf_count):
        mantissas = from_bytes(leaves[index], layout.mantissa_bits).astype(np.int64)
        kept = min(len(mantissas), max(0, used - index * layout.leaf_values))
        if np.any(mantissas[kept:]):
            raise BadUpdate(f"the padding in leaf {index} is not zero")
        first = index * layout.leaf_values
        if frozen is not None and np.any(mantissas[:kept][frozen[first : first + kept]]):
            raise BadUpdate(f"leaf {index} changes a factor of LoRA that round {round} does not train")
        squares += int(np.dot(mantissas, mantissas))  # at most 8192 * 2^30: fits int64
    if squares == 0:
        raise BadUpdate("every value is zero: nothing was trained")
    norm = norm_units(squares << (2 * shift))
    bound = spec.bounds.max_norm
    if bound is not None and norm > bound:
        raise BadUpdate(f"its norm {norm:.6g} is above the spec's bound {bound:.6g}")
    return norm


def _frozen(spec: Spec, round: int) -> NDArray[np.bool_] | None:
    """Which values stay as they are in this round, bool [value_count]; None: none."""
    tensors = spec.layout.tensors
    stays = [not spec.lora.trains(tensor.name, round) for tensor in tensors]
    return np.repeat(stays, [math.prod(tensor.shape) for tensor in tensors]) if any(stays) else None

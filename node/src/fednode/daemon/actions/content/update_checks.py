"""What an attester checks about an update, in addition to the tree, which the store has verified already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from fedprotocol.car import Leaves
from fedprotocol.errors import FedError
from fedprotocol.numbers import check_shift, from_bytes
from fedprotocol.spec import Spec
from fedprotocol.types import Update

from fednode.frozen_factors import frozen_leaves, frozen_values
from fednode.training.update import norm_units


class BadUpdate(FedError):
    """The update is served, but it is not valid in this federation."""


def check_update(leaves: Leaves, shift: int, spec: Spec, round: int) -> float:
    """The L2 norm of a decoded update of round `round`, in real values; reads one leaf at a time.

    Raises:
        BadUpdate: wrong shape, a shift above the spec's, non-zero padding, a factor changed that the round does not
            train, all zero, or a norm above the spec's bound or below its floor.
        NumbersError: a shift that no update can have.
    """
    layout, bounds = spec.layout, spec.bounds
    if leaves.shape != layout.delta_shape:
        raise BadUpdate(f"its tree is {leaves.shape}, updates of this federation are {layout.delta_shape}")
    check_shift(layout.mantissa_bits, shift)
    if shift > bounds.max_shift:
        raise BadUpdate(f"its shift {shift} is above the spec's bound {bounds.max_shift}")
    squares = 0
    used = layout.value_count
    frozen = frozen_values(spec, round)
    for index in range(layout.leaf_count):
        mantissas = from_bytes(leaves[index], layout.mantissa_bits).astype(np.int64)
        kept = min(len(mantissas), max(0, used - index * layout.leaf_values))
        if np.any(mantissas[kept:]):
            raise BadUpdate(f"the padding in leaf {index} is not zero")
        first = index * layout.leaf_values
        if frozen is not None and np.any(mantissas[:kept][frozen[first : first + kept]]):
            raise _changed(index, round)
        squares += int(np.dot(mantissas, mantissas))  # at most 8192 * 2^30, which fits into int64
    if squares == 0:
        raise BadUpdate("every value is zero: nothing was trained")
    norm = norm_units(squares << (2 * shift))
    if norm > bounds.max_norm:
        raise BadUpdate(f"its norm {norm:.6g} is above the spec's bound {bounds.max_norm:.6g}")
    if norm < bounds.min_norm:
        raise BadUpdate(f"its norm {norm:.6g} is below the spec's floor {bounds.min_norm:.6g}: nearly nothing")
    return norm


def check_masked(leaves: Leaves, spec: Spec, round: int) -> None:
    """Raise BadUpdate if a masked update changes what round `round` does not train: leaves that hold nothing
    else get no masks. All other values look random whatever they are; only their sum can be checked."""
    for index in sorted(frozen_leaves(spec, round)):
        leaf = leaves[index]
        if leaf != bytes(len(leaf)):
            raise _changed(index, round)


def check_new(updates: Sequence[Update], index: int, earlier: Mapping[bytes, int]) -> None:
    """Raise BadUpdate if the root of update `index` was revealed before. `updates`: all updates of the round, in the
    order of reveal. `earlier`: the roots of earlier rounds, with their round. Two trainings do not lead to the same
    root, because data, order of rows and rounding differ. A commitment binds its sender, and content is published when
    Train is over, so nobody can commit to a root that another is about to reveal. An equal root is one update in two
    seats, or an old one used again. It belongs to the first who revealed it.

    Masked updates need `check_unused` alone.
    """
    root = updates[index].root
    check_unused(root, earlier)
    first = next(other for other, update in enumerate(updates) if update.root == root)
    if first < index:
        raise BadUpdate(f"its root was revealed before, as update {first} of {updates[first].client}")


def check_unused(root: bytes, earlier: Mapping[bytes, int]) -> None:
    """Raise BadUpdate if `root` was revealed in an earlier round; see `check_new`.

    Two equal roots in one masked round are no fault of either: a commit binds nobody to a root there, so that whoever
    sees a reveal in the mempool can have a copy of it mined first. The copy makes the sum garbage, and nobody pays.
    """
    if root in earlier:
        raise BadUpdate(f"its root was revealed in round {earlier[root]} already")


def _changed(leaf: int, round: int) -> BadUpdate:
    return BadUpdate(f"leaf {leaf} changes a factor of LoRA that round {round} does not train")

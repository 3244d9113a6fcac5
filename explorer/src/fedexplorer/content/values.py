"""What the bytes of a leaf mean: integers, the units that they stand for, and real numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from fedprotocol.numbers import UNIT, decode_delta, from_bytes
from numpy.typing import NDArray

from fedexplorer.content.tensors import Tensors

GLOBAL_BITS = 32


@dataclass(frozen=True)
class Encoding:
    """How the values of a tree are written: `bits` of an integer, and the `shift` by which it becomes units of 2^-24;
    0 for a global, whose integers are units. `is_masked`: the integers mean nothing one by one."""

    bits: int
    shift: int = 0
    is_masked: bool = False

    def integers(self, leaf: bytes) -> NDArray[np.signedinteger]:
        """The integers as they stand in the leaf, int8, int16 or int32 [n]. Raises NumbersError."""
        return from_bytes(leaf, self.bits)

    def units(self, leaf: bytes) -> NDArray[np.int64]:
        """Units of 2^-24, int64 [n], of what is not masked. Raises NumbersError."""
        integers = self.integers(leaf)
        return integers.astype(np.int64) if self.bits == GLOBAL_BITS else decode_delta(integers, self.shift)


GLOBAL = Encoding(GLOBAL_BITS)


@dataclass(frozen=True)
class Value:
    """One value of a leaf.

    Args:
        at: its place in the leaf.
        position: its place in the vector of all values, or of this part of it.
        tensor: the name of the tensor it belongs to; None for padding, or if the spec is not known.
        index: its place in that tensor.
        stored: the integer in the leaf.
        units: what that stands for, in units of 2^-24; None if it is masked.
        real: the same as a real number.
        is_padding: it only fills up the last leaf.
    """

    at: int
    position: int
    tensor: str | None
    index: tuple[int, ...]
    stored: int
    units: int | None
    real: float | None
    is_padding: bool


def values_of(
    leaf: bytes, place: int, encoding: Encoding, tensors: Tensors | None, first: int = 0, count: int | None = None
) -> list[Value]:
    """`count` values of a leaf from `first` on; all if None.

    Args:
        place: the number of the leaf among those of an update, or of one part of a global.
        tensors: None if the spec is not known.

    Raises NumbersError.
    """
    stored = encoding.integers(leaf)
    units = None if encoding.is_masked else encoding.units(leaf)
    stop = len(stored) if count is None else min(len(stored), first + count)
    base = place * len(stored)
    found = []
    for at in range(first, stop):
        position = base + at
        tensor, index = tensors.owner(position) if tensors is not None else (None, ())
        found.append(
            Value(
                at=at,
                position=position,
                tensor=tensor,
                index=index,
                stored=int(stored[at]),
                units=None if units is None else int(units[at]),
                real=None if units is None else float(units[at]) * UNIT,
                is_padding=tensors is not None and tensor is None,
            )
        )
    return found

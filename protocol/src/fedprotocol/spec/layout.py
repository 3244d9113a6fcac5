"""The part of a spec that says how weights become leaves."""

import math
from collections import Counter
from typing import Annotated, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator, model_validator

from fedprotocol import numbers, tree
from fedprotocol.leaves import Leaves, MemoryLeaves
from fedprotocol.strict import Listed, Name, Part, Positive
from fedprotocol.types import MASKED_BITS


class Tensor(Part):
    """One adapter tensor, whose values are in C order."""

    name: Name
    shape: Annotated[Listed[Positive], Field(min_length=1, max_length=8)]


class Layout(Part):
    """Which value of the vector belongs to which weight, and how the vector is cut into leaves."""

    tensors: Annotated[Listed[Tensor], Field(min_length=1)]
    leaf_values: Annotated[int, Field(ge=32, le=8192)]
    mantissa_bits: Literal[8, 16, 32]  # 32: of a masked value
    # how many leaves of a global belong to each leaf of an update; the rule decides it
    parts: Annotated[int, Field(ge=1, le=8)]

    @field_validator("leaf_values")
    @classmethod
    def _power_of_two(cls, value: int) -> int:
        if value & (value - 1):
            raise ValueError("must be a power of two")
        return value

    @field_validator("tensors")
    @classmethod
    def _named_once(cls, tensors: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        names = Counter(tensor.name for tensor in tensors)
        if twice := [name for name, times in names.items() if times > 1]:
            raise ValueError(f"these tensors stand there more than once: {', '.join(twice)}")
        return tensors

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.leaf_count * self.parts > tree.MAX_LEAVES:
            raise ValueError(f"{self.value_count} values need more than {tree.MAX_LEAVES} leaves; raise leaf_values")
        return self

    @property
    def value_count(self) -> int:
        """How many values the adapter has."""
        return sum(math.prod(tensor.shape) for tensor in self.tensors)

    @property
    def leaf_count(self) -> int:
        """How many leaves an update has; at least two."""
        return numbers.leaf_count(self.value_count, self.leaf_values)

    @property
    def delta_shape(self) -> tree.TreeShape:
        """The shape of every update."""
        return tree.TreeShape(self.leaf_count, self.leaf_values * self.mantissa_bits // 8)

    @property
    def global_shape(self) -> tree.TreeShape:
        """The shape of every global: the leaves of the weights, and then those of what the rule keeps beside them."""
        return tree.TreeShape(self.leaf_count * self.parts, self.leaf_values * 4)

    def at_genesis(self, units: NDArray[np.int32]) -> MemoryLeaves:
        """The global with these weights, int32 [value_count] in units of 2^-24, in which all that the rule keeps beside
        them is still zero."""
        weights = numbers.split_leaves(units, self.leaf_values)
        state = [bytes(len(weights[0]))] * (len(weights) * (self.parts - 1))
        return MemoryLeaves(weights + state)

    def weights(self, leaves: Leaves) -> NDArray[np.int32]:
        """The adapter's values in a global, int32 [value_count], units of 2^-24.

        Raises NumbersError, also where the padding is not zero, unless updates are masked: a single site can then add
        to the padding unseen, and must not stop all the others by it.
        """
        padded = self.mantissa_bits != MASKED_BITS
        units: NDArray[np.int32] = numbers.join_leaves(
            (leaves[index] for index in range(self.leaf_count)), 32, self.value_count, zero_padding=padded
        )
        return units

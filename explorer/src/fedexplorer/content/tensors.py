"""Which value of a federation's vector belongs to which weight of the model."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from fedprotocol.spec import Layout


@dataclass(frozen=True)
class Span:
    """Values of one tensor that follow one another: `count` from `start` on in the vector, which are those from
    `offset` on in the tensor, in C order."""

    tensor: int
    start: int
    offset: int
    count: int


class Tensors:
    """The tensors of a spec in the order of the vector."""

    def __init__(self, layout: Layout) -> None:
        self.names = [tensor.name for tensor in layout.tensors]
        self.shapes = [tensor.shape for tensor in layout.tensors]
        sizes = [math.prod(shape) for shape in self.shapes]
        self._ends = list(accumulate(sizes))
        self.starts = [end - size for end, size in zip(self._ends, sizes, strict=True)]
        self.value_count = self._ends[-1]

    def spans(self, start: int, stop: int) -> list[Span]:
        """The parts of tensors that lie in start <= position < stop. What is behind the last tensor is padding and has
        no span."""
        found, at = [], start
        while at < min(stop, self.value_count):
            tensor = bisect_right(self._ends, at)
            end = min(stop, self._ends[tensor])
            found.append(Span(tensor, at, at - self.starts[tensor], end - at))
            at = end
        return found

    def owner(self, position: int) -> tuple[str | None, tuple[int, ...]]:
        """The name of the tensor that a value belongs to, and its index there; (None, ()) for padding."""
        for span in self.spans(position, position + 1):
            return self.names[span.tensor], self.index(span.tensor, span.offset)
        return None, ()

    def index(self, tensor: int, offset: int) -> tuple[int, ...]:
        """The index of a value in its tensor, one number for each dimension."""
        return unravelled(offset, self.shapes[tensor])


def unravelled(offset: int, shape: Sequence[int]) -> tuple[int, ...]:
    """The index of element `offset` of an array of `shape` in C order."""
    index = []
    for size in reversed(shape):
        offset, at = divmod(offset, size)
        index.append(at)
    return tuple(reversed(index))

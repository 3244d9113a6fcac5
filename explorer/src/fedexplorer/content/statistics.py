"""How the values of an update, or of what a round changed, are distributed."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
from fedprotocol.leaves import Leaves
from fedprotocol.numbers import UNIT
from numpy.typing import NDArray

from fedexplorer.content.tensors import Tensors
from fedexplorer.content.values import Encoding

WINDOW = 256  # leaves in memory at once
BINS = 41  # an odd number: the middle one is around zero

Windows = Callable[[], Iterator[NDArray[np.int64]]]
"""Starts reading the values from the beginning, in units of 2^-24, a window at a time."""


@dataclass(frozen=True)
class Summary:
    """A few numbers about values. `smallest`, `largest`, `norm` (L2) and `mean` are real numbers; they are 0 if there
    are no values."""

    count: int
    zeros: int
    smallest: float
    largest: float
    mean: float
    norm: float

    @property
    def zero_share(self) -> float:
        """The share of values that are zero, 0 to 1."""
        return self.zeros / self.count if self.count else 0.0


@dataclass(frozen=True)
class Histogram:
    """How many values lie in each of equally wide bins. `edges` are real numbers, one more than there are `counts`."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True)
class TensorSummary:
    """The same numbers about one tensor."""

    name: str
    shape: tuple[int, ...]
    summary: Summary


@dataclass(frozen=True)
class Statistics:
    """`tensors` is empty if the spec is not known; then padding counts as values."""

    whole: Summary
    histogram: Histogram
    tensors: tuple[TensorSummary, ...]


def of_tree(leaves: Leaves, encoding: Encoding, leaf_count: int) -> Windows:
    """The values of the first `leaf_count` leaves."""
    return lambda: (encoding.units(data) for data in _windows(leaves, leaf_count))


def of_change(before: Leaves, after: Leaves, encoding: Encoding, leaf_count: int) -> Windows:
    """What changed from one global to the next, in the first `leaf_count` leaves."""

    def differences() -> Iterator[NDArray[np.int64]]:
        for old, new in zip(_windows(before, leaf_count), _windows(after, leaf_count), strict=True):
            yield encoding.units(new) - encoding.units(old)

    return differences


def statistics_of(windows: Windows, tensors: Tensors | None, after_window: Callable[[int], None]) -> Statistics:
    """Read all values twice: once for the numbers, and then, as the largest is known, for the histogram.

    `after_window` is called with the number of values that were read so far in both passes; its exceptions pass
    through.
    """
    whole, each, at, read = _Running(), [_Running() for _ in (tensors.names if tensors else ())], 0, 0
    for window in windows():
        kept = window
        if tensors is not None:
            kept = window[: max(0, tensors.value_count - at)]
            for span in tensors.spans(at, at + len(window)):
                each[span.tensor].add(window[span.start - at : span.start - at + span.count])
        whole.add(kept)
        at += len(window)
        after_window(at)
    summary, read, at = whole.summary(), at, 0
    widest = max(abs(whole.smallest), abs(whole.largest), 1)
    edges = np.linspace(-widest, widest, BINS + 1)
    counts = np.zeros(BINS, np.int64)
    for window in windows():
        kept = window if tensors is None else window[: max(0, tensors.value_count - at)]
        counts += np.histogram(kept, edges)[0]
        at += len(window)
        after_window(read + at)
    named = () if tensors is None else zip(tensors.names, tensors.shapes, each, strict=True)
    return Statistics(
        summary,
        Histogram(tuple(float(edge) * UNIT for edge in edges), tuple(int(count) for count in counts)),
        tuple(TensorSummary(name, tuple(shape), running.summary()) for name, shape, running in named),
    )


@dataclass
class _Running:
    count: int = 0
    zeros: int = 0
    smallest: int = 0
    largest: int = 0
    total: int = 0
    squares: list[float] = field(default_factory=list)

    def add(self, units: NDArray[np.int64]) -> None:
        if not units.size:
            return
        low, high = int(units.min()), int(units.max())
        self.smallest, self.largest = (min(self.smallest, low), max(self.largest, high)) if self.count else (low, high)
        self.count += units.size
        self.zeros += int(units.size - np.count_nonzero(units))
        self.total += int(units.sum())
        self.squares.append(float(np.square(units.astype(np.float64)).sum()))

    def summary(self) -> Summary:
        mean = self.total / self.count * UNIT if self.count else 0.0
        norm = math.sqrt(math.fsum(self.squares)) * UNIT
        return Summary(self.count, self.zeros, self.smallest * UNIT, self.largest * UNIT, mean, norm)


def _windows(leaves: Leaves, leaf_count: int) -> Iterator[bytes]:
    for start in range(0, leaf_count, WINDOW):
        yield b"".join(leaves[index] for index in range(start, min(start + WINDOW, leaf_count)))

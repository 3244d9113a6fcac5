"""What the fuzzer has to know of a parser."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from random import Random
from typing import Any

Raw = Callable[[bytes, int], bytes]
"""libFuzzer's own mutation: the bytes, and how many may come of them."""


@dataclass(frozen=True)
class Linear:
    """A bound that grows with the input and with nothing else."""

    fixed: float
    per_byte: float

    def of(self, size: int) -> float:
        return self.fixed + self.per_byte * size


def nothing(*_: object) -> tuple[str, ...]:
    return ()


@dataclass(frozen=True)
class Target:
    """`parse` is the project's own entry point; whatever it raises but `errors`, its documented ones, is a finding.

    `check` gets an input and what `parse` made of it, and raises AssertionError if that cannot be: outside the bounds
    of memory (bytes) and time (seconds of CPU), which hold for `parse` alone. `features` names what is new about an
    outcome, a result or a documented error: the fuzzer's only guide through code that is not Python. `mutate` makes
    another input of one, at most so long, from a seeded generator and libFuzzer's own mutation. `largest`: bytes.
    """

    parse: Callable[[bytes], Any]
    errors: tuple[type[Exception], ...]
    seeds: Callable[[], Iterable[bytes]]
    largest: int
    memory: Linear
    seconds: Linear = Linear(1.0, 60e-6)
    check: Callable[[bytes, Any], object] = nothing
    features: Callable[[Any], Iterable[str]] = nothing
    mutate: Callable[[bytes, int, Random, Raw], bytes] | None = None

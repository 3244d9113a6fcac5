"""What docs/protocol.md says of every rule, in Python integers: value by value, without NumPy and as one reads it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import isqrt
from typing import NamedTuple

from support.rules import SCALE

INT32 = (-(2**31), 2**31 - 1)


class Update(NamedTuple):
    """One update's leaf: K mantissas, and the weight and shift with which they were revealed."""

    mantissas: Sequence[int]
    weight: int
    shift: int


Formula = Callable[[Sequence[Update], Sequence[Sequence[int]], int, int], list[int]]
"""(updates, prior, server_lr, j) -> the new parts of value j. `prior`: K values for each part of the leaf."""


def rounded(a: int, b: int) -> int:
    """a / b to the nearest integer, halves away from zero."""
    quotient = (2 * abs(a) + b) // (2 * b)
    return -quotient if a < 0 else quotient


def clamped(value: int) -> int:
    return min(max(value, INT32[0]), INT32[1])


def stepped(prior: int, mean: int, server_lr: int) -> int:
    return clamped(prior + rounded(mean * server_lr, 2**16))


def fedavg(updates: Sequence[Update], prior: Sequence[Sequence[int]], server_lr: int, j: int) -> list[int]:
    total = sum(u.weight * int(u.mantissas[j]) * 2**u.shift for u in updates)
    return [stepped(int(prior[0][j]), rounded(total, sum(u.weight for u in updates)), server_lr)]


def fedavgm(updates: Sequence[Update], prior: Sequence[Sequence[int]], server_lr: int, j: int) -> list[int]:
    total = sum(u.weight * int(u.mantissas[j]) * 2**u.shift for u in updates)
    mean = rounded(total, sum(u.weight for u in updates))
    momentum = clamped(rounded(int(prior[1][j]) * 19_661, 2**16) + mean)
    look = mean + rounded(momentum * 19_661, 2**16)
    return [stepped(int(prior[0][j]), look, server_lr), momentum]


def trimmed_mean(updates: Sequence[Update], prior: Sequence[Sequence[int]], server_lr: int, j: int) -> list[int]:
    ordered = sorted(int(u.mantissas[j]) * 2**u.shift for u in updates)
    for _ in range(len(updates) // 4):
        ordered = ordered[1:-1]
    return [stepped(int(prior[0][j]), rounded(sum(ordered), len(ordered)), server_lr)]


def median(updates: Sequence[Update], prior: Sequence[Sequence[int]], server_lr: int, j: int) -> list[int]:
    ordered = sorted(int(u.mantissas[j]) * 2**u.shift for u in updates)
    low, high = ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]
    return [stepped(int(prior[0][j]), rounded(low + high, 2), server_lr)]


def bounded(updates: Sequence[Update]) -> list[Update]:
    """The updates of a leaf, each scaled down to the lower median of their norms, in units."""
    values = [[int(m) * 2**u.shift for m in u.mantissas] for u in updates]
    norms = [isqrt(sum(x * x for x in row)) for row in values]
    bound = sorted(norms)[(len(norms) - 1) // 2]
    factors = [2**16 if norm <= bound else bound * 2**16 // norm for norm in norms]
    scaled = [[(x * factor + 2**15) // 2**16 for x in row] for row, factor in zip(values, factors, strict=True)]
    return [Update(row, u.weight, 0) for row, u in zip(scaled, updates, strict=True)]


def masked_mean(updates: Sequence[Update], prior: Sequence[Sequence[int]], server_lr: int, j: int) -> list[int]:
    """With the scale of `support.rules`."""
    total = sum(int(u.mantissas[j]) for u in updates) % 2**32
    total -= 2**32 if total >= 2**31 else 0  # as int32
    return [stepped(int(prior[0][j]), rounded(total * 2**SCALE, sum(u.weight for u in updates)), server_lr)]


FORMULAS: dict[str, Formula] = {"fedavg": fedavg, "fedavgm": fedavgm, "trimmed-mean": trimmed_mean, "median": median}
"""By the name of the rule."""
FORMULAS["masked-mean"] = masked_mean
FORMULAS["norm-bounded"] = fedavg  # of the updates that `bounded` makes of these


def leaf(
    name: str,
    updates: Sequence[Update],
    prior: Sequence[Sequence[int]],
    server_lr: int,
    only: Iterable[int] | None = None,
) -> list[list[int]]:
    """The new parts of a leaf under the rule `name`; with `only`, these of its values."""
    formula = FORMULAS[name]
    if name == "norm-bounded":
        updates = bounded(updates)
    indices = range(len(updates[0].mantissas)) if only is None else only
    return [list(part) for part in zip(*(formula(updates, prior, server_lr, j) for j in indices), strict=True)]

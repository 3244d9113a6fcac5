"""Amounts over time, one on top of the other, as the paths of an SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

WIDTH, HEIGHT = 1000, 300
STEPS = 4  # between zero and the top
ROUND = (Fraction(1), Fraction(2), Fraction(5, 2), Fraction(5), Fraction(10))


@dataclass(frozen=True)
class Area:
    """Everything up to the upper edge of one amount: what lies on top is drawn first, so that the lower ones cover
    it."""

    name: str
    path: str


@dataclass(frozen=True)
class Stacked:
    """A drawing of WIDTH by HEIGHT. `line` is drawn over the areas; `ticks` are the amounts at the lines across, from
    the top down; `times` those at the lower edge."""

    areas: tuple[Area, ...]
    line: str
    ticks: tuple[int, ...]
    times: tuple[int, ...]


def stacked(
    times: Sequence[int], amounts: Sequence[tuple[str, Sequence[int]]], line: Sequence[int | None], end: int
) -> Stacked | None:
    """The amounts by name, the lowest first; each is as it was from `times[i]` on, the last until `end`. None if there
    is nothing to draw.

    Args:
        times: in seconds, in order.
        amounts: as many for each name as there are times.
        line: the same; None where it is not known.
    """
    if not times:
        return None
    tops = [[0] * len(times)]
    for _, values in amounts:
        tops.append([below + max(0, value) for below, value in zip(tops[-1], values, strict=True)])
    step = ceil(_round_up(Fraction(max(STEPS, max(tops[-1]), *(value or 0 for value in line)), STEPS)))
    top, start, length = step * STEPS, times[0], max(1, end - times[0])
    places = [WIDTH * (time - start) // length for time in times]

    def height(value: int) -> int:
        return HEIGHT - HEIGHT * value // top

    areas = []
    for (name, _), upper in zip(amounts, tops[1:], strict=True):
        steps = "".join(f"H{x}V{height(value)}" for x, value in zip(places, upper, strict=True))
        areas.append(Area(name, f"M0 {HEIGHT}{steps}H{WIDTH}V{HEIGHT}Z"))
    known = [(x, height(value)) for x, value in zip(places, line, strict=True) if value is not None]
    path = f"M{known[0][0]} {known[0][1]}" + "".join(f"H{x}V{y}" for x, y in known[1:]) + f"H{WIDTH}" if known else ""
    ticks = tuple(step * i for i in range(STEPS, -1, -1))
    return Stacked(tuple(reversed(areas)), path, ticks, (start, start + length // 2, start + length))


def _round_up(value: Fraction) -> Fraction:
    """The next number, from one on, with one digit or 2.5 before zeros."""
    scale = Fraction(1)
    while scale * 10 <= value:
        scale *= 10
    return next(factor * scale for factor in ROUND if factor * scale >= value)

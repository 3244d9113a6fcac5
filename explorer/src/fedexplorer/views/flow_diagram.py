"""Where the boxes and arrows stand in the drawing of what flowed where, 900 by 330."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

from fedexplorer.history.books import Purpose

WIDEST = 16.0  # of an arrow


@dataclass(frozen=True)
class Box:
    """A sum, or the outside on the left and on the right; `x` and `y` are its middle."""

    name: str
    x: int
    y: int


@dataclass(frozen=True)
class Arrow:
    """All that flowed from one sum to another: how wide it is drawn, and where its amount is written."""

    source: Purpose
    target: Purpose
    path: str
    x: int
    y: int
    amount: int
    width: float


IN, OUT = "paid in", "paid out"

BOXES = (
    Box(IN, 60, 165),
    Box("stakes", 270, 60),
    Box("bonds", 270, 165),
    Box("pool", 270, 270),
    Box("reserved", 470, 270),
    Box("burned", 640, 60),
    Box("owed", 640, 165),
    Box(OUT, 840, 165),
)

_ARROWS = {
    (Purpose.OUTSIDE, Purpose.STAKES): ("M110 155C160 150 160 60 220 60", 165, 96),
    (Purpose.OUTSIDE, Purpose.BONDS): ("M110 165H220", 165, 158),
    (Purpose.OUTSIDE, Purpose.POOL): ("M110 175C160 180 160 270 220 270", 165, 240),
    (Purpose.STAKES, Purpose.BURNED): ("M320 60H590", 455, 52),
    (Purpose.STAKES, Purpose.OUTSIDE): ("M285 42C340 5 790 -20 835 147", 600, 18),
    (Purpose.BONDS, Purpose.BURNED): ("M320 158C440 150 500 80 590 72", 430, 118),
    (Purpose.BONDS, Purpose.OWED): ("M320 168H590", 510, 160),
    (Purpose.POOL, Purpose.RESERVED): ("M320 263H420", 370, 254),
    (Purpose.RESERVED, Purpose.POOL): ("M420 279H320", 370, 298),
    (Purpose.RESERVED, Purpose.OWED): ("M520 270C580 270 560 178 592 173", 575, 238),
    (Purpose.POOL, Purpose.OWED): ("M275 288C300 345 620 345 640 184", 560, 316),
    (Purpose.OWED, Purpose.OUTSIDE): ("M690 165H790", 740, 156),
}


def arrows(totals: Sequence[tuple[Purpose, Purpose, int]]) -> tuple[Arrow, ...]:
    """The arrows of all flows that have moved something, from source, target and amount (several may have the same
    ends). The width goes with the root of the amount, so that small flows can be seen."""
    sums: dict[tuple[Purpose, Purpose], int] = {}
    for source, target, amount in totals:
        sums[source, target] = sums.get((source, target), 0) + amount
    largest = max(sums.values(), default=0)
    return tuple(
        Arrow(source, target, *_ARROWS[source, target], amount, max(1.5, WIDEST * sqrt(amount / largest)))
        for (source, target), amount in sums.items()
        if amount > 0
    )

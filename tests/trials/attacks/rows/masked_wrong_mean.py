"""Updates are masked. An aggregator adds one unit, 2^-24, to one value of the mean of what nobody has seen, and
proposes that first."""

from __future__ import annotations

from attacks.arena import Arena
from attacks.lies import one_value_wrong

TITLE = "masked: a wrong mean"
PLACE = 50


def run(arena: Arena) -> str:
    arena.open(nodes=3, aggregators=1, masked=True)
    return one_value_wrong(arena)

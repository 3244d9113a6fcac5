"""An aggregator adds one unit, 2^-24, to one value in one leaf of the right global and proposes that first."""

from __future__ import annotations

from attacks.arena import Arena
from attacks.lies import one_value_wrong

TITLE = "one wrong value in one leaf"
PLACE = 1


def run(arena: Arena) -> str:
    arena.open(nodes=2, aggregators=1)
    return one_value_wrong(arena)

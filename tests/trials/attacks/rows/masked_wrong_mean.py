"""Updates are masked. An aggregator adds one unit, 2^-24, to one value of the mean of what nobody has seen, and
proposes that first."""

from __future__ import annotations

from fedprotocol.types import Phase

from attacks.actors import digests_of
from attacks.arena import Arena
from attacks.lies import expose, one_unit_more

TITLE = "masked: a wrong mean"
PLACE = 50
LEAF, VALUE = 3, 17


def run(arena: Arena) -> str:
    arena.open(nodes=3, aggregators=1, masked=True)
    liar = arena.actor("liar")
    arena.start(*arena.nodes)
    arena.reach(1, Phase.AGGREGATE)
    liar.propose(1, digests_of(one_unit_more(arena.observer.right(1), LEAF, VALUE)))
    arena.start(*arena.aggregators)
    return expose(arena, 1)

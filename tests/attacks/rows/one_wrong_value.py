"""An aggregator adds one unit, 2^-24, to one value in one leaf of the right global and proposes that first."""

from __future__ import annotations

from fedprotocol.chain.types import Phase
from fedprotocol.leaves import MemoryLeaves
from fedprotocol.numbers import from_bytes, to_bytes

from attacks.actors import digests_of
from attacks.arena import Arena
from attacks.lies import expose

TITLE = "one wrong value in one leaf"
PLACE = 1
LEAF, VALUE = 3, 17


def run(arena: Arena) -> str:
    arena.open(nodes=2, aggregators=1)
    liar = arena.actor("liar")
    arena.start(*arena.nodes)
    arena.reach(1, Phase.AGGREGATE)
    leaves = [arena.observer.right(1)[i] for i in range(len(arena.observer.right(1)))]
    values = from_bytes(leaves[LEAF], 32)
    values[VALUE] += 1
    leaves[LEAF] = to_bytes(values)
    liar.propose(1, digests_of(MemoryLeaves(leaves)))
    arena.aggregators[0].start()
    return expose(arena, 1)

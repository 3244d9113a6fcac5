"""An aggregator counts one client's update twice. There are no other aggregators and no watchtowers, only nodes."""

from __future__ import annotations

from dataclasses import replace

from fedprotocol.types import Phase

from attacks.actors import digests_of
from attacks.arena import Arena
from attacks.lies import expose

TITLE = "an aggregate that weighs one client double"
PLACE = 5


def run(arena: Arena) -> str:
    arena.open(nodes=2, aggregators=0)
    liar = arena.actor("liar")
    arena.start()
    arena.reach(1, Phase.AGGREGATE)
    inputs = arena.observer.inputs(1)
    first, *others = inputs.parts
    liar.propose(1, digests_of(replace(inputs, parts=(first.weighing(2 * first.weight), *others)).aggregate()))
    return expose(arena, 1)

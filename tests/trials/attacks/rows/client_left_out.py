"""An aggregator leaves one accepted client out of the mean. For a while nobody who could convict it is there."""

from __future__ import annotations

from dataclasses import replace

from fedprotocol.types import Phase

from attacks.actors import digests_of
from attacks.arena import Arena
from attacks.lies import expose

TITLE = "an aggregate that leaves a client out"
PLACE = 4


def run(arena: Arena) -> str:
    arena.open(nodes=2, aggregators=0, watchtowers=1, node={"challenge_after": 10**6})
    liar = arena.actor("liar")
    arena.start(*arena.nodes)
    arena.reach(1, Phase.AGGREGATE)
    inputs = arena.observer.inputs(1)
    assert len(inputs.parts) == len(arena.nodes)
    liar.propose(1, digests_of(replace(inputs, parts=inputs.parts[1:]).aggregate()))
    arena.wait("both nodes commit to round 2", lambda: len(arena.events("Committed", 2)) == len(arena.nodes))
    assert not arena.events("Convicted", 1), "training was to go on while the lie stands"
    arena.start(*arena.watchtowers)
    return expose(arena, 1)

"""In the second round an aggregator adds the mean to the genesis instead of to the first round's global."""

from __future__ import annotations

from dataclasses import replace

from fedprotocol.numbers import from_bytes
from fedprotocol.types import Phase

from attacks.actors import digests_of
from attacks.arena import Arena
from attacks.lies import expose

TITLE = "an aggregate from the wrong prior"
PLACE = 6


def run(arena: Arena) -> str:
    arena.open(nodes=2, aggregators=1, rounds=3)
    liar = arena.actor("liar")
    genesis = from_bytes(b"".join(arena.genesis[i] for i in range(len(arena.genesis))), 32)
    arena.start(*arena.nodes)
    arena.reach(2, Phase.AGGREGATE)
    assert arena.coordinator.round_view(2).prior_root != arena.genesis.root
    liar.propose(2, digests_of(replace(arena.observer.inputs(2), prior=genesis).aggregate()))
    arena.start(*arena.aggregators)
    return expose(arena, 2)

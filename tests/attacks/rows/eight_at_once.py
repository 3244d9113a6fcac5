"""One attacker fills all eight places with wrong proposals in one block, right after Attest: none is left for the right
one."""

from __future__ import annotations

from functools import partial

from fedprotocol.chain.types import Phase

from attacks.actors import digests_of
from attacks.arena import Arena
from attacks.judge import amount
from attacks.lies import expose, one_unit_more

TITLE = "eight bad proposals side by side"
PLACE = 11
EIGHT = 8


def run(arena: Arena) -> str:
    arena.open(nodes=2, aggregators=1)
    liars = arena.actors("liars", EIGHT)
    for liar in liars:
        liar.approve(64 * arena.coordinator.config().bond_base)
    arena.start(*arena.nodes)
    arena.reach(1, Phase.AGGREGATE)
    lies = [digests_of(one_unit_more(arena.observer.right(1), 0, value)) for value in range(EIGHT)]
    arena.clock.in_one_block(*(partial(liar.propose, 1, lie) for liar, lie in zip(liars, lies, strict=True)))
    arena.start(*arena.aggregators)
    proposed = arena.events("Proposed", 1)[:EIGHT]
    assert {event.args["proposer"] for event in proposed} == {liar.address for liar in liars}
    assert len({event.block for event in proposed}) == 1, "not side by side"
    bonds = sum(event.args["bond"] for event in proposed)
    return f"bonds of {amount(bonds)} in all: {expose(arena, 1, EIGHT)}"

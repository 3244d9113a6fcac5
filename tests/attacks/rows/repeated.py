"""One attacker proposes a wrong global again and again, each time from another account once the last was convicted."""

from __future__ import annotations

from fedprotocol.chain.types import Phase

from attacks.actors import digests_of
from attacks.arena import Arena
from attacks.judge import amount
from attacks.lies import expose, one_unit_more

TITLE = "repeated bad proposals"
PLACE = 10
TIMES = 4


def run(arena: Arena) -> str:
    arena.open(nodes=2, aggregators=1, minWindow=600)  # the right one must not be final before the last lie
    liars = arena.actors("liars", TIMES)
    for liar in liars:
        liar.approve(64 * arena.coordinator.config().bond_base)
    arena.start(*arena.nodes)
    arena.reach(1, Phase.AGGREGATE)
    right = arena.observer.right(1)
    for times, liar in enumerate(liars, start=1):
        liar.propose(1, digests_of(one_unit_more(right, 0, times)))
        if times == 1:
            arena.start(*arena.aggregators)
        arena.wait("only the right one stands", lambda: arena.live(1) == [right.root])
        assert len(arena.events("Convicted", 1)) == times
    bonds = [e.args["bond"] for e in arena.events("Proposed", 1) if e.args["root"] != right.root]
    assert len(bonds) == TIMES and bonds == sorted(set(bonds)), "each try must cost more than the last"
    return f"bonds of {', '.join(map(amount, bonds))}: {expose(arena, 1, TIMES)}"

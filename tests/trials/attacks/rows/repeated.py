"""One attacker proposes a wrong global again and again. Each time that it is convicted it uses another account. In the
next round it uses the first account once more."""

from __future__ import annotations

from fedprotocol.types import Phase

from attacks.actors import Actor, digests_of
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
    bonds = {e.args["bond"] for e in arena.events("Proposed", 1)}
    assert bonds == {arena.coordinator.config().bond_base}, "a lie must not change what others pay"
    [bond] = bonds
    exposed = expose(arena, 1, TIMES)
    return f"bonds of {amount(bond)} each, also for the right proposal: {exposed}; {_again(arena, liars[0])}"


def _again(arena: Arena, convict: Actor) -> str:
    """The first account's own second lie."""
    arena.reach(2, Phase.AGGREGATE, Phase.CHALLENGE)
    convict.propose(2, digests_of(one_unit_more(arena.observer.right(2), 0, 0)))
    arena.wait("the second lie is convicted", lambda: bool(arena.events("Convicted", 2)), 120)
    bonds = {e.args["proposer"]: e.args["bond"] for e in arena.events("Proposed", 2)}
    assert bonds.pop(convict.address) == 2 * arena.coordinator.config().bond_base
    assert set(bonds.values()) <= {arena.coordinator.config().bond_base}
    return "in round 2 the next lie of the first account cost double, only for this account, and was convicted"

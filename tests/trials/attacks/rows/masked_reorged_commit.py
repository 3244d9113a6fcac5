"""Updates are masked. A member commits, and all are in Reveal. Then a re-org takes its commit away, and it commits with
another key: a node that had masked already would have two sets in one round."""

from __future__ import annotations

from fedprotocol.types import Phase

from attacks.arena import Arena
from attacks.balances import share
from attacks.masked_rounds import commit_last, play_along
from attacks.reorg import take_commit_away
from attacks.votes import prior_of

TITLE = "masked: a re-org that takes a member's commit away"
PLACE = 58
DEPTH = 12  # blocks, of a second each
TOO_EARLY = f"{DEPTH} blocks on top of the end of round 1's Train"
FIXED = "round 1: masks are for these"


def run(arena: Arena) -> str:
    arena.open(nodes=3, aggregators=1, masked=True, confirmations=DEPTH, revealLength=1800, attestLength=1800)
    fickle = arena.hand("fickle", honest=False)
    arena.start()
    commit_last(arena, fickle, 1)
    arena.wait("all nodes wait", lambda: all(TOO_EARLY in node.status for node in arena.nodes))
    first = arena.coordinator.commitment(1, fickle.address).hash
    take_commit_away(arena, fickle.address, 1)
    assert not any(FIXED in node.output for node in arena.nodes), "a node masked before the set was final"
    fickle.commit(1, prior_of(arena, 1))
    assert arena.coordinator.commitment(1, fickle.address).hash != first
    play_along(arena, fickle, 1)
    arena.reach(1, Phase.AGGREGATE, Phase.CHALLENGE)
    arena.party("fickle").due += share(arena.coordinator, 1, fickle.address)
    assert all(node.output.count(FIXED) == 1 for node in arena.nodes), "a node masked for two sets"
    return (
        f"no node masked for the first key, because {DEPTH} blocks had to lie on it; all masked for the second one, "
        "once, and the sum of that round became final"
    )

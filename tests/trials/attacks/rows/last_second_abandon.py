"""All honest proposers are away for nearly as long as a round may go without a proposal. A second before anybody could
abandon the round, an aggregator proposes a wrong global."""

from __future__ import annotations

from fedprotocol.types import Phase

from attacks.actors import digests_of
from attacks.arena import Arena
from attacks.lies import expose, one_unit_more

TITLE = "a last-second proposal before abandonment"
PLACE = 7


def run(arena: Arena) -> str:
    arena.open(nodes=2, aggregators=0, watchtowers=1)
    liar = arena.actor("liar")
    liar.approve(arena.coordinator.config().bond_base)
    arena.start()
    arena.wait("round 1 in attest", lambda: arena.phase(1) is Phase.ATTEST, 90)
    arena.wait("round 1 in aggregate", lambda: arena.phase(1) is Phase.AGGREGATE)
    for daemon in (*arena.nodes, *arena.watchtowers):
        daemon.freeze()
    assert not arena.live(1), "a node was quicker than its propose_after"
    deadline = arena.coordinator.round_view(1).phase_start + arena.coordinator.config().abandon_after
    lie = digests_of(one_unit_more(arena.observer.right(1), 1, 1))
    arena.clock.in_one_block(lambda: liar.propose(1, lie), at=deadline - 1)
    [proposed] = arena.events("Proposed", 1)
    assert proposed.time == deadline - 1
    for daemon in (*arena.nodes, *arena.watchtowers):
        daemon.thaw()
    return expose(arena, 1)

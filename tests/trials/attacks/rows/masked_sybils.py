"""Updates are masked. The sponsor admits three accounts of its own before the sites that a node knows, so that the sum
would show the node's update to whoever holds the three."""

from __future__ import annotations

from fedprotocol.types import Phase, VoidReason

from attacks.arena import Arena

TITLE = "masked: a site alone among the sponsor's accounts"
PLACE = 56
ALONE = "before it trains and commits: 0 of at least 2 of its own peers"


def run(arena: Arena) -> str:
    arena.open(nodes=3, aggregators=1, masked=True, seated=False)
    sybils = [arena.hand("sybils", honest=False) for _ in range(3)]
    alone, *peers = arena.nodes
    alone.tell("join")
    arena.start(alone, *arena.aggregators)
    for sybil in sybils:
        sybil.commit(1, arena.genesis.root)
    arena.wait("the node says why it stays away", lambda: ALONE in alone.output)
    arena.clock.jump(arena.coordinator.round_view(1).phase_end)
    assert {event.args["client"] for event in arena.events("Committed", 1)} == {sybil.address for sybil in sybils}
    arena.clock.jump(arena.coordinator.round_view(1).phase_end)
    assert arena.coordinator.round_view(1).void_reason is VoidReason.TOO_FEW_REVEALS
    for peer in peers:
        peer.tell("join")
    arena.start(*peers)
    arena.reach(2, Phase.AGGREGATE, Phase.CHALLENGE)
    return (
        f"{alone.name} committed to nothing and said whom it misses; the accounts had a round to themselves, and none "
        f"of them revealed anything; when the sites that {alone.name} knows had taken seats, it took part"
    )

"""Updates are masked. A site commits, because peers that it knows hold seats. Then these stay away, and strangers, who
are most of the members, reveal: their masks alone would hide the site's update, so that it must refuse."""

from __future__ import annotations

from fedprotocol.types import Phase, VoidReason

from attacks.arena import Arena
from attacks.balances import share
from attacks.masked_federation import name_peers
from attacks.masked_rounds import deliver, require_void, served
from attacks.votes import prior_of

TITLE = "masked: peers that stay away once a site has committed"
PLACE = 56
ALONE = "round 1: 0 of at least 2 of its own peers"


def run(arena: Arena) -> str:
    arena.open(nodes=1, aggregators=1, masked=True)
    [site], coordinator = arena.nodes, arena.coordinator
    peers, strangers = ([arena.hand("accomplices", honest=False) for _ in range(2)] for _ in range(2))
    name_peers(site.folder / "fednode.toml", [peer.address for peer in peers], 2)
    arena.start()
    arena.wait("the site commits", lambda: bool(arena.events("Committed", 1)))
    for stranger in strangers:
        stranger.commit(1, prior_of(arena, 1))
    arena.clock.jump(coordinator.round_view(1).phase_end)
    for stranger in strangers:
        stranger.mask(1)
        stranger.reveal(1)
    arena.wait("the site refuses", lambda: ALONE in site.output)
    arena.clock.jump(coordinator.round_view(1).phase_end)
    assert len(coordinator.updates(1)) == len(strangers) and not served(arena, 1)
    require_void(arena, 1, VoidReason.TOO_FEW_REVEALS)

    members = [*peers, *strangers]
    for member in members:
        member.commit(2, prior_of(arena, 2))
    for member in members:
        deliver(arena, member, 2)
    arena.reach(2, Phase.ATTEST)
    for member in members:
        member.attest(2)
    arena.reach(2, Phase.AGGREGATE, Phase.CHALLENGE)
    for member in members:
        arena.party("accomplices").due += share(coordinator, 2, member.address)
    return (
        f"{site.name} saw that neither of its peers took part, and revealed nothing; both strangers revealed, and the "
        "round was void (TooFewReveals); because seats had stayed away, nobody paid and nobody lost a seat; in round 2 "
        "all took part, and it became final"
    )

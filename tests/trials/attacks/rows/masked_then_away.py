"""Updates are masked. A member voids a round with noise. It keeps its seat in the next one and stays away, so that all
others have committed to a set that they must refuse: the difference of two sums would show what is not theirs."""

from __future__ import annotations

from fedprotocol.types import Phase, VoidReason

from attacks.arena import Arena
from attacks.masked_rounds import ELSE, impeach, put_out, require_void, send_noise

TITLE = "masked: a member that stays away after a void round"
PLACE = 54


def run(arena: Arena) -> str:
    arena.open(nodes=3, aggregators=1, watchtowers=1, masked=True)
    vandal, anybody = arena.hand("vandal", honest=False), arena.actor("anybody", honest=True)
    send_noise(arena, vandal)
    arena.start(*arena.watchtowers, *arena.aggregators)
    impeach(arena, 1)
    for node in arena.nodes:
        node.thaw()
    arena.reach(2, Phase.REVEAL)
    arena.wait("every node refuses", lambda: all(ELSE in node.output for node in arena.nodes))
    for node in arena.nodes:
        node.freeze()
    arena.clock.jump(arena.coordinator.round_view(2).phase_end)
    require_void(arena, 2, VoidReason.TOO_FEW_REVEALS)
    assert not arena.coordinator.updates(2) and not arena.events("Penalized", 2)
    return (
        "all nodes committed in round 2, saw that the member was missing, and revealed nothing: the round was void "
        "(TooFewReveals), and because a seat had stayed away, nobody paid and nobody lost a seat; "
        f"{put_out(arena, vandal.address, anybody, next_round=3)}"
    )

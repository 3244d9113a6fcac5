"""Updates are masked, and noise looks like an update. A member hands in random bytes, and its accomplice proposes a
global that is said to follow from them. Then the sponsor puts the member out."""

from __future__ import annotations

from attacks.arena import Arena
from attacks.masked_rounds import impeach, put_out, send_noise
from attacks.votes import ballots

TITLE = "masked: noise in place of an update"
PLACE = 53


def run(arena: Arena) -> str:
    arena.open(nodes=3, aggregators=1, watchtowers=1, masked=True)
    vandal, liar, anybody = arena.hand("vandals", False), arena.actor("vandals"), arena.actor("anybody", honest=True)
    liar.approve(arena.coordinator.bond_of(liar.address))
    send_noise(arena, vandal)
    assert all(vandal.address in vote for vote in ballots(arena, 1).values()), "somebody told noise from an update"
    liar.propose(1, [bytes([leaf + 1]) * 32 for leaf in range(arena.coordinator.config().leaf_count)])
    arena.start(*arena.watchtowers, *arena.aggregators)
    judges = impeach(arena, 1)
    return (
        f"all nodes vouched for the noise, which nobody can tell from an update; the sum of all updates showed it, and "
        f"{judges} impeached the round: it was void (Garbage), with the proposal in it, nobody was paid and nobody "
        f"paid; {put_out(arena, vandal.address, anybody)}"
    )

"""Updates are masked. A re-org deeper than the confirmations takes a member's commit away when all nodes have fixed the
members. In one round the member stays away then, in the next it commits with another key."""

from __future__ import annotations

from fedprotocol.types import Phase, VoidReason

from attacks.arena import Arena
from attacks.balances import share
from attacks.masked_hand import MaskedHand
from attacks.masked_rounds import commit_last, impeach, play_along, require_void, served
from attacks.reorg import take_commit_away
from attacks.votes import prior_of

TITLE = "masked: a re-org deeper than the confirmations"
PLACE = 58
DEPTH = 2  # blocks, of a second each
TIME_TO_REVEAL = 15  # seconds
FIXED = "round {}: masks are for these"
GONE = "round 1: the chain was re-organised, and its members are no longer those that masks are for"


def run(arena: Arena) -> str:
    arena.open(nodes=3, aggregators=1, masked=True, confirmations=DEPTH, revealLength=1800, attestLength=1800)
    fickle, coordinator = arena.hand("fickle", honest=False), arena.coordinator
    arena.start()
    _take_away(arena, fickle, 1)
    arena.clock.jump(coordinator.round_view(1).phase_end)
    arena.wait("every node refuses", lambda: all(GONE in node.output for node in arena.nodes))
    since = arena.clock.now()
    arena.wait("they could have revealed", lambda: arena.clock.now() > since + TIME_TO_REVEAL)
    arena.clock.jump(coordinator.round_view(1).phase_end)
    assert not coordinator.updates(1) and not served(arena, 1), "something left for members that are gone"
    require_void(arena, 1, VoidReason.TOO_FEW_REVEALS)

    _take_away(arena, fickle, 2)
    first = fickle.secrets[2]
    fickle.commit(2, prior_of(arena, 2))
    assert fickle.secrets[2] != first
    play_along(arena, fickle, 2)
    judges = impeach(arena, 2)
    for node in arena.nodes:
        assert all(node.output.count(FIXED.format(number)) == 1 for number in (1, 2)), f"{node.name} fixed two sets"

    commit_last(arena, fickle, 3)
    play_along(arena, fickle, 3)
    arena.reach(3, Phase.AGGREGATE, Phase.CHALLENGE)
    arena.party("fickle").due += share(coordinator, 3, fickle.address)
    return (
        "in round 1 the member was gone, and every node revealed and published nothing: the round was void "
        "(TooFewReveals), and nobody paid; in round 2 it had another key, and every node had masked for the first one "
        f"and masked for no other: the sum was garbage, {judges} impeached the round, and nobody paid; in round 3 "
        "nothing was dropped, and it became final"
    )


def _take_away(arena: Arena, fickle: MaskedHand, number: int) -> None:
    """Until all nodes have fixed the members of the round; then the last commit, by `fickle`, never was."""
    commit_last(arena, fickle, number)
    fixed = FIXED.format(number)
    arena.wait("all nodes fix the members", lambda: all(fixed in node.output for node in arena.nodes))
    take_commit_away(arena, fickle.address, number, at_least=DEPTH + 1)

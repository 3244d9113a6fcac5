"""Two attesters, as many clients as a round needs, have together a little more than a third of the weight. They vote
against everybody else: the honest votes should accept their two updates, and the global should be made from those
alone."""

from __future__ import annotations

from fedprotocol.types import Phase, VoidReason

from attacks.arena import Arena
from attacks.votes import part_of, play_parts, prior_of

TITLE = "attesters that vote the others out"
PLACE = 22


def run(arena: Arena) -> str:
    arena.open(nodes=2, aggregators=1)
    rejectors = [arena.client("rejectors", honest=False, examples=33) for _ in range(2)]
    assert arena.coordinator.config().min_clients <= len(rejectors)
    for rejector in rejectors:
        rejector.commit(1, prior_of(arena, 1))
    arena.start()
    play_parts(arena, rejectors, 1, no_to={node.address for node in arena.nodes})
    mine, all_ = part_of(arena, 1, *(rejector.address for rejector in rejectors))
    assert 3 * mine > all_
    for update in arena.coordinator.updates(1):
        theirs = update.client in {rejector.address for rejector in rejectors}
        assert (3 * update.yes >= 2 * arena.coordinator.round_view(1).total_weight) == theirs, "not voted out"
    view = arena.coordinator.round_view(1)
    assert (view.phase, view.void_reason) == (Phase.VOID, VoidReason.TOO_FEW_ACCEPTED)
    assert view.accepted_mask == 0
    assert not arena.events("Penalized")
    return (
        f"with {mine}/{all_} of the weight, only their two updates were vouched for; the round was void, since "
        "accepted updates must hold two thirds of the weight; its reward went back to the pool, nobody lost stake, "
        "and the two earned nothing; the next round went on without them"
    )

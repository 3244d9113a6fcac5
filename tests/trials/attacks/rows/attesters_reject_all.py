"""An attester votes against everybody else: in one round with exactly a third of the weight, in the next with a little
more."""

from __future__ import annotations

from fedprotocol.types import Phase, VoidReason

from attacks import balances
from attacks.arena import Arena
from attacks.votes import part_of, play_parts, prior_of, rejected

TITLE = "attesters that reject everyone"
PLACE = 22


def run(arena: Arena) -> str:
    arena.open(nodes=2, aggregators=1)
    rejector = arena.client("rejector", honest=False, examples=64)
    rejector.commit(1, prior_of(arena, 1))
    arena.start()
    everybody = {rejector.address, *(node.address for node in arena.nodes)}

    play_parts(arena, [rejector], 1, no_to=everybody)
    assert part_of(arena, 1, rejector.address) == (1, 3)
    assert not rejected(arena, 1)
    rejector.examples = 65
    rejector.commit(2, prior_of(arena, 2))
    arena.reach(1, Phase.FINAL)
    arena.party("rejector").due += balances.share(arena.coordinator, 1, rejector.address)  # its update was a good one

    play_parts(arena, [rejector], 2, no_to=everybody)
    mine, all_ = part_of(arena, 2, rejector.address)
    assert 3 * mine > all_
    view = arena.coordinator.round_view(2)
    assert (view.phase, view.void_reason) == (Phase.VOID, VoidReason.TOO_FEW_ACCEPTED)
    assert not arena.events("Penalized")
    return (
        f"with 1/3 of the weight, all updates were accepted and paid all the same; with {mine}/{all_}, the round was "
        "void, its reward went back to the pool, nobody lost stake and the attester earned nothing; the next round "
        "went on without it"
    )

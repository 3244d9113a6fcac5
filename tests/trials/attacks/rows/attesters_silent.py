"""An attester does not vote: in one round with exactly a third of the weight, in the next with a little more."""

from __future__ import annotations

from fedprotocol.types import Phase, VoidReason

from attacks.arena import Arena
from attacks.penalties import penalized
from attacks.votes import part_of, prior_of, rejected

TITLE = "attesters that stay silent"
PLACE = 25


def run(arena: Arena) -> str:
    arena.open(nodes=2, aggregators=1)
    silent = arena.client("silent", honest=False, examples=64)
    silent.commit(1, prior_of(arena, 1))
    arena.start()
    arena.reach(1, Phase.REVEAL)
    silent.reveal(1)
    arena.reach(1, Phase.AGGREGATE, Phase.CHALLENGE)
    assert part_of(arena, 1, silent.address) == (1, 3)
    assert not rejected(arena, 1)
    silent.examples = 65
    silent.commit(2, prior_of(arena, 2))
    arena.reach(1, Phase.FINAL)
    first = penalized(arena, 1, silent.address)

    arena.reach(2, Phase.REVEAL)
    silent.reveal(2)
    arena.reach(2, Phase.VOID)
    mine, all_ = part_of(arena, 2, silent.address)
    assert 3 * mine > all_
    assert arena.coordinator.round_view(2).void_reason is VoidReason.TOO_FEW_ACCEPTED
    second = penalized(arena, 2, silent.address)
    return (
        f"with 1/3 of the weight, Attest ended by the clock and the round became final; {first}; with {mine}/{all_}, "
        f"the round was void, and its reward went back to the pool; {second}; the next round went on without it"
    )

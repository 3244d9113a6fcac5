"""A client commits 2^32 - 1 examples with a stake that carries 64. When all others have revealed, it adds just the
stake that would give it two thirds of the weight, reveals an update of zeros and vouches only for that."""

from __future__ import annotations

import numpy as np
from fedprotocol.leaves import MemoryLeaves
from fedprotocol.numbers import split_leaves
from fedprotocol.types import Phase

from attacks.arena import Arena
from attacks.clients import add_stake, commit_to
from attacks.votes import PATIENT, part_of, prior_of, refuse

TITLE = "stake added when the others have revealed"
PLACE = 21
CLAIMED, CARRIED = 2**32 - 1, 64


def run(arena: Arena) -> str:
    arena.open(nodes=3, aggregators=1, stakePerExample=1_000 * 10**18 // CARRIED, **PATIENT)
    config = arena.coordinator.config()
    buyer = arena.client("buyer", honest=False, examples=CLAIMED)
    zeros = np.zeros(arena.federation.values, np.int8)
    commit_to(buyer, 1, prior_of(arena, 1), MemoryLeaves(split_leaves(zeros, config.leaf_values)))
    arena.start()
    arena.reach(1, Phase.REVEAL)
    arena.wait("all others reveal", lambda: arena.coordinator.round_view(1).revealed == len(arena.nodes))
    seen = arena.coordinator.round_view(1).total_weight
    wanted = 2 * seen
    add_stake(buyer, wanted * config.stake_per_example - config.min_stake)
    assert arena.coordinator.seat(buyer.address).stake // config.stake_per_example == wanted
    buyer.reveal(1)
    arena.reach(1, Phase.ATTEST)
    others = [i for i, update in enumerate(arena.coordinator.updates(1)) if update.client != buyer.address]
    buyer.attest(1, absent=others)
    refuse(arena, 1, [buyer.address])
    mine, all_ = part_of(arena, 1, buyer.address)
    assert (mine, all_) == (1, len(arena.nodes) + 1)
    arena.reach(1, Phase.FINAL)
    return (
        f"the added stake would have carried {wanted} of {wanted + seen}; the client had {mine}/{all_} of the weight, "
        "which is what its stake carried when it committed; its update was not accepted; all others were accepted "
        "and paid"
    )

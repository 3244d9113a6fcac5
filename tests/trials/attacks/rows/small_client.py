"""A federation needs commits from all its clients, and the client of the smallest weight lets the others down. It
commits and does not reveal. In the next round it reveals zeros and vouches only for those."""

from __future__ import annotations

import numpy as np
from fedprotocol.leaves import MemoryLeaves
from fedprotocol.numbers import split_leaves
from fedprotocol.types import Phase
from support.live_federation import TOKEN

from attacks.arena import Arena
from attacks.clients import add_stake, commit_to
from attacks.penalties import penalized
from attacks.votes import PATIENT, part_of, prior_of, refuse

TITLE = "a small client that a round cannot do without"
PLACE = 16
EXAMPLES = 1
STAKE = 3_000 * TOKEN  # of each node; the smallest is a third


def run(arena: Arena) -> str:
    arena.open(nodes=2, aggregators=1, stake=STAKE, minClients=3, **PATIENT)
    config = arena.coordinator.config()
    small = arena.client("small", honest=False, examples=EXAMPLES)
    add_stake(small, config.penalty)  # or its first penalty would suspend it, and no round could open
    small.commit(1, prior_of(arena, 1))
    arena.start()
    arena.reach(1, Phase.AGGREGATE, Phase.CHALLENGE)
    assert arena.coordinator.round_view(1).revealed == len(arena.nodes) < config.min_clients
    zeros = np.zeros(arena.federation.values, np.int8)
    commit_to(small, 2, prior_of(arena, 2), MemoryLeaves(split_leaves(zeros, config.leaf_values)))
    arena.reach(1, Phase.FINAL)
    penalty = penalized(arena, 1, small.address)

    arena.reach(2, Phase.REVEAL)
    small.reveal(2)
    arena.reach(2, Phase.ATTEST)
    own = arena.coordinator.update_index(2, small.address)
    small.attest(2, absent=[i for i in range(arena.coordinator.round_view(2).revealed) if i != own])
    refuse(arena, 2, [small.address])
    mine, all_ = part_of(arena, 2, small.address)
    return (
        f"in the first round the two other updates became final; {penalty}; with {mine}/{all_} of the weight, its "
        "zeros were not accepted and the two other updates were; neither round was void, though each needed three "
        "clients"
    )

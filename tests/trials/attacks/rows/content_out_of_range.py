"""One client reveals the largest values that the contract lets through, whose norm is above the spec's. One reveals an
update of zeros, one a single unit in a single value, and one a shift above the federation's."""

from __future__ import annotations

import numpy as np
import pytest
from fedprotocol.chain.errors import ContractReverted
from fedprotocol.leaves import MemoryLeaves
from fedprotocol.numbers import split_leaves
from fedprotocol.types import Phase

from attacks.arena import Arena
from attacks.clients import commit_to
from attacks.penalties import penalized
from attacks.votes import PATIENT, prior_of, refusal, refuse

TITLE = "a reveal whose content is out of range"
PLACE = 19


def run(arena: Arena) -> str:
    arena.open(nodes=2, aggregators=1, **PATIENT)
    config = arena.coordinator.config()
    loud, idle, lazy, wide = (arena.client("cheats", honest=False, examples=21) for _ in range(4))
    for cheat, value, count, shift in (
        (loud, 127, arena.federation.values, config.max_shift),
        (idle, 0, 0, 0),
        (lazy, 1, 1, 0),
        (wide, 1, arena.federation.values, config.max_shift + 1),
    ):
        values = np.zeros(arena.federation.values, np.int8)
        values[:count] = value
        commit_to(cheat, 1, prior_of(arena, 1), MemoryLeaves(split_leaves(values, config.leaf_values)), shift)
    arena.start()
    arena.reach(1, Phase.REVEAL)
    refused = (loud, idle, lazy)
    for cheat in refused:
        cheat.reveal(1)
    with pytest.raises(ContractReverted, match="ShiftTooLarge"):
        wide.reveal(1)
    arena.reach(1, Phase.ATTEST)
    for cheat in refused:
        cheat.attest(1)
    refuse(arena, 1, [cheat.address for cheat in refused])
    for node in arena.nodes:
        assert "is above the spec's bound" in refusal(node, 1, loud.address)
        assert "every value is zero" in refusal(node, 1, idle.address)
        assert "nearly nothing" in refusal(node, 1, lazy.address)
    arena.reach(1, Phase.FINAL)
    return (
        "every node reported the norm, the zeros and the single unit and voted against them; none was accepted, and "
        "none got a share; the contract refused the shift (ShiftTooLarge), so its author could not reveal: "
        f"{penalized(arena, 1, wide.address)}"
    )

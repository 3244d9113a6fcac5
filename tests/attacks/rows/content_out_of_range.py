"""One client reveals the largest values that fit, far above the spec's norm, one an update of zeros, and one a shift
with which values would not fit an int32."""

from __future__ import annotations

import numpy as np
import pytest
from fedprotocol.chain.errors import ContractReverted
from fedprotocol.chain.types import Phase
from fedprotocol.leaves import MemoryLeaves
from fedprotocol.numbers import SHIFT_LIMIT, split_leaves

from attacks.arena import Arena
from attacks.clients import commit_to
from attacks.penalties import penalized
from attacks.votes import PATIENT, prior_of, refusal, refuse

TITLE = "a reveal whose content is out of range"
PLACE = 19


def run(arena: Arena) -> str:
    arena.open(nodes=2, aggregators=1, **PATIENT)
    config = arena.coordinator.config()
    largest = SHIFT_LIMIT - config.mantissa_bits
    loud, idle, wide = (arena.client("cheats", honest=False, examples=32) for _ in range(3))
    for cheat, value, shift in ((loud, 127, largest), (idle, 0, 0), (wide, 1, largest + 1)):
        values = np.full(arena.federation.values, value, np.int8)
        commit_to(cheat, 1, prior_of(arena, 1), MemoryLeaves(split_leaves(values, config.leaf_values)), shift)
    arena.start()
    arena.reach(1, Phase.REVEAL)
    loud.reveal(1)
    idle.reveal(1)
    with pytest.raises(ContractReverted, match="ShiftTooLarge"):
        wide.reveal(1)
    arena.reach(1, Phase.ATTEST)
    loud.attest(1)
    idle.attest(1)
    refuse(arena, 1, [loud.address, idle.address])
    for node in arena.nodes:
        assert "is above the spec's bound" in refusal(node, 1, loud.address)
        assert "every value is zero" in refusal(node, 1, idle.address)
    arena.reach(1, Phase.FINAL)
    return (
        "every node named the norm and the zeros and voted no: not accepted, no share; the contract refused the shift "
        f"(ShiftTooLarge), so that client could not reveal: {penalized(arena, 1, wide.address)}"
    )

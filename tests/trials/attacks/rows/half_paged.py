"""An aggregator hands in the first of two pages and stops, in order to block others. Later it tries to go on."""

from __future__ import annotations

import os

import pytest
from fedprotocol.chain.errors import ContractReverted
from fedprotocol.tree import PAGE_LEAVES
from fedprotocol.types import Phase

from attacks.arena import Arena

TITLE = "a proposal left half-paged"
PLACE = 12
ALL = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
WIDE = {"lora": {"r": 40, "alpha": 40, "dropout": 0.0, "target_modules": ALL, "factors": "both"}, "leaf_values": 32}


def run(arena: Arena) -> str:
    arena.open(nodes=2, aggregators=1, spec=WIDE)
    squatter = arena.actor("squatter")
    leaves = arena.coordinator.config().leaf_count
    assert PAGE_LEAVES < leaves <= 2 * PAGE_LEAVES, f"{leaves} leaves are not two pages"
    digests = [os.urandom(32) for _ in range(leaves)]
    squatter.approve(arena.coordinator.config().bond_base)
    arena.start(*arena.nodes)
    arena.reach(1, Phase.AGGREGATE)
    squatter.page(1, 0, digests)
    assert arena.coordinator.pages_of(1, squatter.address) == 1 and not arena.live(1)
    arena.start(*arena.aggregators)
    arena.reach(1, Phase.FINAL)
    [proposed] = arena.events("Proposed", 1)
    assert proposed.args["root"] == arena.observer.right(1).root
    with pytest.raises(ContractReverted, match="WrongPhase"):
        squatter.page(1, 1, digests)
    winner = arena.name_of(proposed.args["proposer"])
    return (
        f"half a proposal of {leaves} leaves cost no bond and blocked nobody: {winner} proposed the right one beside "
        "it, which became final; after that, the second page was refused"
    )

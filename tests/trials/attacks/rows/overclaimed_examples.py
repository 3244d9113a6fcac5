"""A client whose stake carries 64 examples when it commits claims 2^32 - 1 examples, and adds stake both before and
after it reveals."""

from __future__ import annotations

from fedprotocol.types import Phase

from attacks import balances
from attacks.arena import Arena
from attacks.clients import add_stake
from attacks.votes import prior_of

TITLE = "more examples than the stake carries"
PLACE = 21
CLAIMED, CARRIED = 2**32 - 1, 64


def run(arena: Arena) -> str:
    arena.open(nodes=2, aggregators=1, stakePerExample=1_000 * 10**18 // CARRIED)
    boaster = arena.client("boaster", honest=False, examples=CLAIMED)
    boaster.commit(1, prior_of(arena, 1))
    arena.start()
    arena.reach(1, Phase.REVEAL)
    add_stake(boaster, arena.coordinator.config().min_stake)
    boaster.reveal(1)
    add_stake(boaster, arena.coordinator.config().min_stake)
    arena.reach(1, Phase.ATTEST)
    boaster.attest(1)
    arena.reach(1, Phase.FINAL)
    [revealed] = [e for e in arena.events("Revealed", 1) if e.args["client"] == boaster.address]
    weights = {update.client: update.weight for update in arena.coordinator.updates(1)}
    assert revealed.args["examples"] == CLAIMED and set(weights.values()) == {CARRIED}, weights
    # Its update is a good one, and so much of it is paid: anybody with that stake may say that he has 64 examples.
    arena.party("boaster").due += balances.share(arena.coordinator, 1, boaster.address, weight=CARRIED)
    return (
        f"it got the weight and the share of {CARRIED} examples, which is what its stake carried when it committed; "
        "each node got the same"
    )

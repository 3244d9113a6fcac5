"""The federation's token keeps a part of every transfer. The sponsor tries to fund the federation, and clients try to
join."""

from __future__ import annotations

import pytest
from fedprotocol.chain.errors import ContractReverted

from attacks import mempool
from attacks.arena import Arena
from attacks.forced_calls import force

TITLE = "a token that takes a fee"
PLACE = 28
GOES_ON = False  # nothing ever opens
REFUSED = "TransferMismatch"


def run(arena: Arena) -> str:
    arena.open(nodes=2, aggregators=1, mock="FeeToken", pool=0, seated=False)
    coordinator = arena.coordinator
    sponsor = arena.actor("sponsor", honest=True)
    client = arena.actor("client", honest=True)
    arena.start(*arena.aggregators)
    arena.wait("the aggregator runs", lambda: "rule: fedavg" in arena.aggregators[0].output)
    for node in arena.nodes:
        assert REFUSED in node.tell("join", status=1)
    for actor in (sponsor, client):
        actor.approve(2**200)
    stake, reward = coordinator.config().min_stake, coordinator.config().round_reward
    tries = [(sponsor, coordinator.calls.fund(sum_)) for sum_ in (1, reward, 5 * reward)]
    tries += [(client, coordinator.calls.join(sum_)) for sum_ in (stake, stake + 1)]
    hashes = [force(actor, call) for actor, call in tries]
    assert {mempool.refusal(arena.chain, hash_) for hash_ in hashes} == {REFUSED}
    with pytest.raises(ContractReverted, match="TooFewActive"):
        client.send(coordinator.calls.open(), "open")
    assert not arena.events("Joined") and not arena.events("Funded")
    assert coordinator.token.balance_of(coordinator.address) == 0
    return (
        f"{len(tries)} payments by the sponsor and by clients and {len(arena.nodes)} runs of `fednode join` were "
        f"refused ({REFUSED}), so no fee was taken either; no round ever opens"
    )

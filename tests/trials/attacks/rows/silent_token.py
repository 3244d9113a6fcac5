"""A whole federation uses a token like USDT: its calls return nothing, and an allowance must be set to zero before it
can be changed. When a liar has proposed, an old approval of an aggregator is still there, and it is too small for a
bond."""

from __future__ import annotations

from typing import Any

from fedprotocol.types import Phase

from attacks.actors import digests_of
from attacks.arena import Arena
from attacks.lies import expose, one_unit_more

TITLE = "a token that returns nothing"
PLACE = 28
GOES_ON = False  # both rounds are final by then, and everybody has left


def run(arena: Arena) -> str:
    arena.open(nodes=2, aggregators=1, mock="SilentToken", node={"propose_after": 3600})
    coordinator, [aggregator] = arena.coordinator, arena.aggregators
    liar = arena.actor("liar")
    bond = coordinator.bond_of(aggregator.address)
    _as(arena, aggregator.address, coordinator.token.approve(coordinator.address, bond - 1))
    arena.start(*arena.nodes)
    arena.reach(1, Phase.AGGREGATE)
    for node in arena.nodes:
        node.freeze()  # or they would propose beside the lie, each with a first approval
    liar.propose(1, digests_of(one_unit_more(arena.observer.right(1), 0, 0)))
    aggregator.start()
    arena.wait("the right one is proposed", lambda: arena.observer.right(1).root in arena.live(1))
    for node in arena.nodes:
        node.thaw()
    ending = expose(arena, 1)
    assert arena.coordinator.round_view(1).aggregator == aggregator.address
    assert "take back an approval" in aggregator.output

    arena.reach(2, Phase.FINAL)
    programs = [*arena.nodes, aggregator]
    for program in programs:
        program.stop()
        program.tell("claim")
    for node in arena.nodes:
        node.tell("exit")
    for program in programs:
        seat, owed = coordinator.seat(program.address), coordinator.owed(program.address)
        assert (seat.stake, owed) == (0, 0), f"{program.name} has not all of its money"
    return (
        f"{aggregator.name} set its old approval to zero, approved the bond and proposed beside the lie, which was "
        f"{ending}; after the last round everybody claimed and withdrew everything"
    )


def _as(arena: Arena, address: str, call: Any) -> None:
    """What the operator of a program once sent by other means."""
    arena.chain.rpc("anvil_impersonateAccount", address)
    arena.federation.transact(call, address)
    arena.chain.rpc("anvil_stopImpersonatingAccount", address)

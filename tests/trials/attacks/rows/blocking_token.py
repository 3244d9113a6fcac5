"""The token's issuer blocks a client, and also an aggregator whose bond is in the contract: neither can be paid."""

from __future__ import annotations

from fedprotocol.types import Phase

from attacks.arena import Arena
from attacks.judge import amount

TITLE = "a token that blocks a receiver"
PLACE = 29
GOES_ON = False  # both rounds are final by then, and everybody has left


def run(arena: Arena) -> str:
    arena.open(nodes=3, aggregators=1, mock="BlockingToken", node={"propose_after": 3600})
    coordinator, [aggregator] = arena.coordinator, arena.aggregators
    issuer = arena.actor("issuer")
    *free, client = arena.nodes
    blocked = (client, aggregator)
    set_blocked = arena.federation.token.functions.setBlocked
    arena.start()
    arena.reach(1, Phase.CHALLENGE)
    for program in blocked:
        issuer.send(set_blocked(program.address, True), "block")
    arena.reach(1, Phase.FINAL)
    arena.reach(2, Phase.AGGREGATE)
    fixed = coordinator.round_view(2).phase_start
    arena.wait("the blocked aggregator proposes again", lambda: bool(arena.live(2)))
    [proposed] = arena.events("Proposed", 2)
    assert proposed.args["proposer"] == aggregator.address
    arena.reach(2, Phase.FINAL)
    arena.wait("the others are paid and have ended", lambda: not any(node.is_acting for node in free))
    for node in free:
        node.tell("exit")
    paid = {event.args["account"] for event in arena.events("Claimed")}
    assert paid == {node.address for node in free}
    owed = {program.name: coordinator.owed(program.address) for program in blocked}
    assert all(owed.values()) and all(program.is_acting for program in blocked)

    for program in blocked:
        program.stop()
        issuer.send(set_blocked(program.address, False), "unblock")
        program.tell("claim")
    client.tell("exit")
    assert not any(coordinator.owed(program.address) for program in blocked)
    sums = ", ".join(f"{name} {amount(sum_)}" for name, sum_ in owed.items())
    return (
        f"both rounds were settled and all others were paid; {sums} stayed owed and were paid once nobody was blocked "
        f"any more; the blocked aggregator proposed round 2 {proposed.time - fixed} s after its inputs were fixed"
    )

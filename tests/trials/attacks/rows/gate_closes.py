"""A member takes its seat while it is on an allowlist, and never commits, so that every Train lasts to its end. When it
is taken off the list it keeps its seat, and once it is dropped it tries to come back."""

from __future__ import annotations

import pytest
from fedprotocol.chain.errors import ContractReverted

from attacks.arena import Arena

TITLE = "a member whom the gate no longer admits"
PLACE = 27


def run(arena: Arena) -> str:
    gate = arena.chain.deploy("AllowlistGate", arena.chain.accounts[0], [])
    arena.open(nodes=2, aggregators=1, seated=False, gate=gate.address)
    coordinator, calls = arena.coordinator, arena.coordinator.calls
    idler, anybody = arena.actor("idler"), arena.actor("anybody", honest=True)
    members = [*(node.address for node in arena.nodes), idler.address]
    arena.federation.transact(gate.functions.setAllowed(members, True))
    for node in arena.nodes:
        node.tell("join")
    idler.join()
    arena.start()
    arena.play("a reveal in round 1", lambda: bool(arena.events("Revealed", 1)))
    first = _train(arena, 1)
    assert first >= coordinator.config().train_length, "Train did not wait for the idler"

    with pytest.raises(ContractReverted, match="NotDroppable"):
        anybody.send(calls.drop(idler.address), "drop")
    arena.federation.transact(gate.functions.setAllowed([idler.address], False))
    anybody.send(calls.drop(idler.address), "drop")
    with pytest.raises(ContractReverted, match="NotSeated"):
        anybody.send(calls.drop(idler.address), "drop")
    arena.play("a reveal in round 2", lambda: bool(arena.events("Revealed", 2)))
    second = _train(arena, 2)
    assert second < first

    idler.send(calls.withdraw(), "withdraw")
    idler.approve(coordinator.config().min_stake)
    with pytest.raises(ContractReverted, match="NotAllowed"):
        idler.send(calls.join(coordinator.config().min_stake), "join")
    return (
        f"as long as the member was on the list, nobody could drop it (NotDroppable), and Train lasted {first} s; "
        f"once it was off the list, anybody could drop it, and the next round's Train lasted {second} s; it has its "
        "stake back and gets no new seat (NotAllowed)"
    )


def _train(arena: Arena, round_number: int) -> int:
    """Seconds from a round's opening to its Reveal."""
    [opened] = arena.events("RoundOpened", round_number)
    return int(arena.events("Revealed", round_number)[0].time - opened.time)

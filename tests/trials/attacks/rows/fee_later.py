"""A token that was plain when everybody joined starts in the middle of a round to keep a part of every transfer."""

from __future__ import annotations

from fedprotocol.types import Phase, VoidReason

from attacks.arena import Arena
from attacks.judge import amount

TITLE = "a token that starts to take a fee"
PLACE = 28
GOES_ON = False  # no bond can be put up any more
FEE = 10**16  # token units
REFUSED = "TransferMismatch"


def run(arena: Arena) -> str:
    arena.open(nodes=2, aggregators=1, rounds=3, mock="TaxToken", abandonAfter=600)
    coordinator, [aggregator] = arena.coordinator, arena.aggregators
    issuer = arena.actor("issuer")
    arena.start()
    arena.reach(1, Phase.CHALLENGE)
    arena.wait("round 2 is open", lambda: coordinator.last_opened() == 2)
    issuer.send(arena.federation.token.functions.setFee(FEE, False), "set a fee")

    sponsor = coordinator.config().sponsor
    arena.federation.transact(coordinator.calls.close(), sponsor)  # no round is worth its gas from now on

    arena.reach(2, Phase.AGGREGATE)
    programs = [*arena.nodes, aggregator]
    arena.wait("every bond is refused", lambda: all(REFUSED in program.output for program in programs))
    arena.clock.jump(coordinator.round_view(2).phase_start + coordinator.config().abandon_after)
    arena.wait("all programs have ended", lambda: not any(program.is_acting for program in programs))
    view = coordinator.round_view(2)
    assert (arena.phase(1), view.void_reason) == (Phase.FINAL, VoidReason.ABANDONED)
    for node in arena.nodes:
        node.tell("exit")
    for call in (coordinator.calls.close(), coordinator.calls.claim()):
        arena.federation.transact(call, sponsor)

    assert coordinator.token.balance_of(coordinator.address) == 0, "something is left, or somebody was paid too much"
    payments = [e.args["account"] for e in arena.events("Claimed")] + [
        e.args["client"] for e in arena.events("Withdrawn")
    ]
    for address in payments:
        arena.party(arena.name_of(address)).due -= FEE  # the receiver bears it, whoever sends
    return (
        f"round 1 was paid; round 2 was given up, since no bond could be put up any more ({REFUSED}); in "
        f"{len(payments)} payments everybody got what was theirs, less the fee of {amount(FEE)} on each, until the "
        "coordinator had no unit left"
    )

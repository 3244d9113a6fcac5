"""A token starts to charge the sender of a transfer a fee on top of the amount. If the coordinator paid one member, the
fee would come out of what belongs to others."""

from __future__ import annotations

from fedprotocol.types import Phase

from attacks.arena import Arena
from attacks.judge import amount

TITLE = "a token that takes a fee on top"
PLACE = 28
GOES_ON = False  # both rounds are final by then, and everybody has left
FEE = 10**16  # token units
REFUSED = "TransferMismatch"


def run(arena: Arena) -> str:
    arena.open(nodes=2, aggregators=1, mock="TaxToken")
    coordinator, [aggregator] = arena.coordinator, arena.aggregators
    set_fee = arena.federation.token.functions.setFee
    issuer = arena.actor("issuer")
    arena.start()
    arena.reach(1, Phase.CHALLENGE)
    issuer.send(set_fee(FEE, True), "set a fee")

    arena.reach(2, Phase.FINAL)
    programs = [*arena.nodes, aggregator]
    arena.wait("every claim is refused", lambda: all(REFUSED in program.output for program in programs))
    assert not arena.events("Claimed")
    arena.books.check_balance()
    for event in arena.events("Proposed", 2):
        arena.party(arena.name_of(event.args["proposer"])).due -= FEE  # who pays bears it
    issuer.send(set_fee(0, True), "take the fee back")
    for program in programs:
        program.stop()
        program.tell("claim")
    for node in arena.nodes:
        node.tell("exit")
    assert not any(coordinator.owed(program.address) for program in programs)
    return (
        f"rounds went on, with a fee of {amount(FEE)} for each bond; as long as there was a fee, every claim was "
        f"refused ({REFUSED}) and nothing was taken from what others own; everything was paid once the fee was gone"
    )

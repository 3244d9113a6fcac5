"""What the rules take from a client by themselves."""

from __future__ import annotations

from fedprotocol.types import PenaltyReason

from attacks.arena import Arena
from attacks.judge import amount


def penalized(arena: Arena, round_number: int, client: str) -> str:
    """Settle a client's account, as anybody may, and say what it paid for a settled round.

    Raises AssertionError unless it is penalised for that round, once and in full.
    """
    coordinator = arena.coordinator
    anybody = arena.chain.accounts[-1]
    arena.federation.transact(coordinator.calls.settle(client), anybody)
    [event] = [e for e in arena.events("Penalized", round_number) if e.args["client"] == client]
    assert event.args["amount"] == coordinator.config().penalty
    reason = PenaltyReason(event.args["reason"]).name.lower().replace("_", " ")
    seat = coordinator.seat(client)
    suspended = "" if seat.active_in(coordinator.last_opened() + 1) else " and was suspended"
    return f"it paid a penalty of {amount(event.args['amount'])} ({reason}){suspended}"

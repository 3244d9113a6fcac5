"""Which seats a penalty has cost: in a masked federation one seat can make one round void, and no more."""

from __future__ import annotations

from fedprotocol.types import PenaltyReason, VoidReason

from fedexplorer.follow.state import State
from fedexplorer.history.seats import Stay


def seat_lost_in(state: State, stay: Stay) -> int | None:
    """The round whose penalty cost the account its seat; None if it did not lose it so. The contract takes the penalty
    and the seat in one call, whoever sends it."""
    left = stay.left
    if not state.federation.config.is_masked or left is None or left.name != "Dropped":
        return None
    for event in state.log.named("Penalized"):
        is_taken_then = (event.tx_hash, event.log_index + 1) == (left.tx_hash, left.log_index)
        if is_taken_then and event.args["client"] == left.args["client"]:
            number, reason = event.args["round"], event.args["reason"]
            history = state.rounds.number(number)
            is_void = history is not None and history.void_reason is VoidReason.TOO_FEW_ACCEPTED
            return number if is_void or reason is PenaltyReason.NOT_REVEALED else None
    return None

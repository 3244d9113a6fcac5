"""Which penalties rounds cost a client: those that were taken from its stake, and those that are certain by now."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.snapshot import RoundState, Snapshot
from fedprotocol.types import PenaltyReason, Phase, VoidReason


@dataclass(frozen=True)
class Penalty:
    """What `round` costs a client: `amount` token units of its stake, taken when the account is settled."""

    round: int
    amount: int
    reason: PenaltyReason


def fault(state: RoundState, is_masked: bool) -> PenaltyReason | None:
    """What the account of `state` failed to do in that round, as the contract's settlement decides it (`_fault` in
    `contracts/coordinator/Clock.sol`), as soon as nothing can change it any more; None: nothing so far. `is_masked`:
    the federation is."""
    view, commitment = state.view, state.my_commitment
    if commitment is None or view.phase in (Phase.NONE, Phase.TRAIN, Phase.WAITING):
        return None  # whoever committed may commit anew, or the global that the round starts from is not known
    if view.void_reason is VoidReason.PRIOR_VOID:
        return None
    if commitment.prior_root != view.prior_root:
        return PenaltyReason.WRONG_PRIOR
    if view.void_reason is VoidReason.TOO_FEW_COMMITS:
        return None
    if state.my_index is None:
        is_over = view.phase is not Phase.REVEAL
        refused = is_masked and is_refused(view.revealed, view.matching, view.active)
        return PenaltyReason.NOT_REVEALED if is_over and not refused else None
    if view.void_reason is VoidReason.TOO_FEW_REVEALS or view.phase in (Phase.REVEAL, Phase.ATTEST):
        return None
    own = state.updates[state.my_index]
    if not own.attested:
        return PenaltyReason.NOT_ATTESTED
    has_voided = is_masked and view.void_reason is VoidReason.TOO_FEW_ACCEPTED
    is_at_fault = has_voided and is_unwanted(own.yes, own.weight, view.total_weight)
    return PenaltyReason.NOT_ACCEPTED if is_at_fault else None


def is_refused(revealed: int, matching: int, active: int) -> bool:
    """Whether so few of a masked round's `active` seats committed on its prior (`matching`), or so few of these
    revealed, that it is no fault of the others that they did not."""
    return matching < active or 2 * revealed < matching


def is_unwanted(yes: int, weight: int, total_weight: int) -> bool:
    """Whether less than a third of the others' weight vouches for an update. `yes`: the weight that does, its own
    `weight` included; `total_weight`: that of all revealed updates."""
    return 3 * (yes - weight) < total_weight - weight


def penalties(chain: Snapshot) -> dict[int, Penalty | None]:
    """The penalty of every round in the snapshot, or None if the round costs nothing so far."""
    faults = {state.number: fault(state, chain.config.is_masked) for state in chain.rounds}
    amount = chain.config.penalty
    return {number: Penalty(number, amount, why) if why is not None else None for number, why in faults.items()}


def earlier_penalties(coordinator: Coordinator, chain: Snapshot, rounds: Collection[int]) -> Iterator[Penalty]:
    """The penalties of `rounds` that the snapshot does not show any more; the contract keeps them.

    Raises ChainError.
    """
    for number in rounds:
        why = fault(_state(coordinator, number, chain.account), chain.config.is_masked)
        if why is not None:
            yield Penalty(number, chain.config.penalty, why)


def penalties_borne(chain: Snapshot) -> int | None:
    """How many more penalties the stake can lose before the seat is suspended; None: a penalty costs nothing."""
    config = chain.config
    if not config.penalty:
        return None
    return max(0, (chain.settled_seat.stake - config.min_stake) // config.penalty)


def _state(coordinator: Coordinator, number: int, account: str) -> RoundState:
    commitment = coordinator.commitment(number, account)
    return RoundState(
        number=number,
        view=coordinator.round_view(number),
        updates=coordinator.updates(number),
        proposals=(),
        my_commitment=commitment if any(commitment.hash) else None,
        my_index=coordinator.update_index(number, account),
        my_pages=0,
    )

"""Questions about a snapshot that several decisions ask."""

from __future__ import annotations

import math
from collections.abc import Iterator
from enum import StrEnum
from typing import TYPE_CHECKING

from fedprotocol.chain.read.snapshot import RoundState, Snapshot
from fedprotocol.types import ZERO, Phase, Proposal

if TYPE_CHECKING:
    from fednode.daemon.facts import Facts, MaskStep, OwnUpdate

TURN = 12  # seconds: a block of Ethereum


def unsettled(chain: Snapshot) -> list[RoundState]:
    """Rounds that are still open in any way, oldest first."""
    return [state for state in chain.rounds if not state.view.phase.settled]


def deadline(chain: Snapshot) -> int:
    """End of the newest open round's phase; 0: none is open, or it has no deadline."""
    states = unsettled(chain)
    return states[-1].view.phase_end if states else 0


def phase_end(state: RoundState | None) -> int | None:
    """Chain seconds at which the round's phase ends; None if it has no end, or there is no round."""
    return (state.view.phase_end or None) if state is not None else None


def proposal_in(state: RoundState | None, root: bytes) -> Proposal | None:
    """The live proposal of `root`; None if there is none."""
    proposals = state.proposals if state is not None else ()
    return next((proposal for proposal in proposals if proposal.root == root), None)


def is_live(chain: Snapshot, number: int, root: bytes) -> bool:
    """Whether the proposal of `root` in round `number` can still win or be convicted."""
    state = chain.round(number)
    return state is not None and not state.view.phase.settled and proposal_in(state, root) is not None


def window_left(chain: Snapshot, number: int, root: bytes) -> float:
    """Seconds until the proposal of `root` cannot be convicted any more; infinite if nothing ends."""
    state = chain.round(number)
    if state is None or state.view.phase.settled or not state.view.phase_end:
        return math.inf
    proposal = proposal_in(state, root)
    return (proposal.window_end if proposal is not None else state.view.phase_end) - chain.time


def is_matching(state: RoundState) -> bool:
    """Whether this account committed to the prior that the round turned out to have (or may still turn out to)."""
    commitment = state.my_commitment
    return commitment is not None and state.view.prior_root in (ZERO, commitment.prior_root)


def owes_reveal(state: RoundState) -> bool:
    """Whether the round waits for what this account committed to."""
    return state.view.phase is Phase.REVEAL and is_matching(state) and state.my_index is None


def masked_to(chain: Snapshot, facts: Facts, step: MaskStep) -> Iterator[tuple[RoundState, OwnUpdate]]:
    """The open rounds in which this site's masked update is as far as `step`, with it; none if nothing may leave."""
    for state in () if facts.configured.forbidden else unsettled(chain):
        own = facts.remembered.updates.get(state.number)
        if own is not None and own.masks is step:
            yield state, own


def turn(chain: Snapshot, state: RoundState, proposal: Proposal) -> int:
    """The chain time from which this account challenges `proposal`: the clients of the round take turns, so that not
    all of them pay for the same conviction. Everybody's turn comes in the first half of the shortest window."""
    return turn_of(chain, state, proposal.root, proposal.completed_at)


def turn_of(chain: Snapshot, state: RoundState, what: bytes, begun: int) -> int:
    """The chain time from which this account does what any client of the round may do about `what`, a hash, since
    `begun`."""
    if state.my_index is None:
        return begun
    clients = len(state.updates)
    place = (state.my_index + int.from_bytes(what)) % clients
    window = min(chain.config.min_window, chain.config.challenge_length)
    return begun + min(place * TURN, place * window // (2 * clients))


class Standing(StrEnum):
    """What an account's seat lets it do now."""

    NONE = "it holds no seat"
    EARLY = "its seat begins in a later round"
    ACTIVE = "it may take part"
    SUSPENDED = "its stake is below the least"
    LEFT = "it has left"


def standing(chain: Snapshot) -> Standing:
    """As settled: the next call of the account takes the penalties that are due before anything else."""
    seat, coming = chain.settled_seat, chain.last_opened + 1
    if seat.active_from == 0:
        return Standing.NONE
    if seat.exited:
        return Standing.LEFT
    if seat.active_until <= coming:
        return Standing.SUSPENDED
    return Standing.EARLY if seat.active_from > coming else Standing.ACTIVE


class Obstacle(StrEnum):
    """Why the next round cannot open now."""

    NONE = ""
    INPUTS = "the last round still takes inputs"
    CLOSED = "the sponsor closed the federation"
    LAST = "the last round is open"
    COMPLETE = "all rounds are final"
    CLIENTS = "too few clients have joined"
    POOL = "the pool cannot pay for a round"


def obstacle(chain: Snapshot) -> Obstacle:
    config, last = chain.config, chain.round(chain.last_opened)
    if last is not None and last.view.phase in (Phase.TRAIN, Phase.WAITING, Phase.REVEAL, Phase.ATTEST):
        return Obstacle.INPUTS
    if chain.closed:
        return Obstacle.CLOSED
    if chain.final_count + len(unsettled(chain)) >= config.total_rounds:
        return Obstacle.LAST if unsettled(chain) else Obstacle.COMPLETE
    if chain.active_count < config.min_clients:
        return Obstacle.CLIENTS
    return Obstacle.POOL if chain.balances.pool < config.round_reward else Obstacle.NONE


def target_round(chain: Snapshot) -> int | None:
    """The round this account may commit in now: the one in Train, or else the next one if it may open."""
    last = chain.round(chain.last_opened)
    if last is not None and last.view.phase is Phase.TRAIN:
        number = last.number
    elif obstacle(chain):
        return None
    else:
        number = chain.last_opened + 1
    return number if chain.settled_seat.active_in(number) else None


def expected_prior(chain: Snapshot, facts: Facts, number: int) -> bytes | None:
    """Root of the global adapter that round `number` starts from; None while that is not known.

    While the round before is unsettled it is what this node computed itself, never what somebody proposed. None too if
    that global follows from garbage: nobody should train on it.
    """
    if maker_of_prior(chain, number) in facts.remembered.garbage:
        return None
    state = chain.round(number)
    if state is not None and state.view.prior_root != ZERO:
        return state.view.prior_root
    before = chain.round(number - 1)
    if before is not None and not before.view.phase.settled:
        return facts.remembered.recomputed.get(number - 1)
    return chain.latest_final[1]


def maker_of_prior(chain: Snapshot, number: int) -> int:
    """The round whose updates gave the global adapter that round `number` starts from, as `expected_prior` finds it; 0:
    it is global 0. A void round makes none."""
    before = chain.round(number - 1)
    return number - 1 if before is not None and not before.view.phase.settled else chain.latest_final[0]


def round_of(chain: Snapshot, number: int) -> RoundState:
    """A round that is known to be in the snapshot."""
    return next(state for state in chain.rounds if state.number == number)

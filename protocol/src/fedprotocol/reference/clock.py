"""What time has decided about a round: a pure function of the state and the block's timestamp."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fedprotocol.reference.state import Round
from fedprotocol.types import FederationConfig, Phase, VoidReason


@dataclass(frozen=True)
class Status:
    phase: Phase
    start: int = 0  # start of the phase; for FINAL and VOID, the time at which the round was decided
    end: int = 0  # 0: no deadline
    prior_root: bytes | None = None
    void_reason: VoidReason = VoidReason.NONE
    attest_over: bool = False


def status(config: FederationConfig, rounds: Mapping[int, Round], number: int, now: int) -> Status:
    """Round `number` at time `now`. A phase is open for start <= now < end."""
    if number not in rounds:
        return Status(Phase.NONE)
    r = rounds[number]
    if r.settled_at is not None:
        over = r.void_reason in (VoidReason.NONE, VoidReason.TOO_FEW_ACCEPTED, VoidReason.ABANDONED, VoidReason.GARBAGE)
        phase = Phase.VOID if r.void_reason else Phase.FINAL
        return Status(phase, r.settled_at, 0, r.prior_root, r.void_reason, over)

    prior, prior_at = _prior(config, rounds, number, now)
    if now < r.train_end:
        return Status(Phase.TRAIN, r.opened_at, r.train_end, prior)
    if prior_at is None:
        return Status(Phase.WAITING, r.train_end)

    start = max(r.train_end, prior_at)
    if r.naming(prior) < config.min_clients:
        return Status(Phase.VOID, start, 0, prior, VoidReason.TOO_FEW_COMMITS)
    end = start + config.reveal_length if r.reveal_end is None else r.reveal_end
    if now < end:
        return Status(Phase.REVEAL, start, end, prior)

    if config.is_masked:
        has_enough = len(r.updates) == r.naming(prior)  # masks add up to zero over all of them alone
    else:
        has_enough = 3 * sum(r.commits[u.client].backed for u in r.updates) >= 2 * r.backing(prior)
    if not has_enough:
        return Status(Phase.VOID, end, 0, prior, VoidReason.TOO_FEW_REVEALS)
    start, end = end, end + config.attest_length if r.attest_end is None else r.attest_end
    if now < end:
        return Status(Phase.ATTEST, start, end, prior)

    if not any(r.accepted):
        return Status(Phase.VOID, end, 0, prior, VoidReason.TOO_FEW_ACCEPTED, attest_over=True)
    if not r.live:
        return Status(Phase.AGGREGATE, max(end, r.convicted_at), 0, prior, attest_over=True)
    final_at = _final_at(config, rounds, number)
    if now >= final_at:
        return Status(Phase.FINAL, final_at, 0, prior, attest_over=True)
    return Status(Phase.CHALLENGE, r.live[0].completed_at, r.live[0].window_end, prior, attest_over=True)


def _final_at(config: FederationConfig, rounds: Mapping[int, Round], number: int) -> int:
    """When the oldest live proposal becomes final, unless something changes. It is sooner if, once Train of the next
    round is over, all its commits build on this proposal and their clients hold two thirds of this round's weight. That
    shorter window, too, grows by the time for one case with each proposal before it."""
    r, after = rounds[number], rounds.get(number + 1)
    late = r.live[0].window_end
    if after is None or not after.commits:
        return late
    root = r.live[0].root
    unanimous = after.naming(root) == len(after.commits)
    heavy = 3 * sum(r.weight_of(client) for client in after.commits) >= 2 * r.total_weight
    if not (unanimous and heavy):
        return late
    return min(late, max(after.train_end, late - config.challenge_length + config.min_window, r.convicted_at))


def _prior(
    config: FederationConfig, rounds: Mapping[int, Round], number: int, now: int
) -> tuple[bytes | None, int | None]:
    """The prior root, and the time since which it is known. The previous round may have become final just because time
    passed."""
    r = rounds[number]
    if r.prior_at is not None:
        return r.prior_root, r.prior_at
    before = status(config, rounds, number - 1, now)
    if before.phase != Phase.FINAL:
        return None, None
    return rounds[number - 1].live[0].root, before.start

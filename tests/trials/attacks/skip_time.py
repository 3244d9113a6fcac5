"""When nothing is left to do but to wait for a deadline."""

from __future__ import annotations

from collections.abc import Callable, Collection

from fednode.daemon.snapshot_questions import obstacle
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.snapshot import RoundState, take_snapshot
from fedprotocol.types import Phase


def next_deadline(coordinator: Coordinator, clients: Collection[str], right: Callable[[int], bytes]) -> int | None:
    """The chain time that all wait for; None as long as an honest program has something to do.

    Args:
        clients: addresses of the nodes that run. As long as one of them has a commit, a reveal or an attestation due,
            there is no deadline to jump to; neither while nobody has proposed or a wrong proposal is live.
        right: root of the right global of a round in Challenge.
    """
    snapshot = take_snapshot(coordinator, coordinator.address)
    unsettled = [state for state in snapshot.rounds if not state.view.phase.settled]
    if any(_is_busy(coordinator, state, clients, right) for state in unsettled):
        return None
    newest = unsettled[-1] if unsettled else None
    if newest is None or (newest.view.phase is Phase.CHALLENGE and clients and not obstacle(snapshot)):
        return None  # the next round opens with the first commit
    deadlines = [state.view.phase_end for state in unsettled]
    shorter = snapshot.config.challenge_length - snapshot.config.min_window
    deadlines += [p.window_end - shorter for state in unsettled for p in state.proposals[:1]]
    return min((deadline for deadline in deadlines if deadline > snapshot.time), default=None)


def _is_busy(
    coordinator: Coordinator, state: RoundState, clients: Collection[str], right: Callable[[int], bytes]
) -> bool:
    number, view = state.number, state.view
    match view.phase:
        case Phase.TRAIN:
            active = [client for client in clients if coordinator.seat(client).active_in(number)]
            if any(not any(coordinator.commitment(number, client).hash) for client in active):
                return True
            return coordinator.round_view(number).phase is not Phase.TRAIN  # the last commit came after the snapshot
        case Phase.REVEAL:
            revealed = {update.client for update in state.updates}
            due = [c for c in clients if coordinator.commitment(number, c).prior_root == view.prior_root]
            return not revealed.issuperset(due)
        case Phase.ATTEST:
            return any(not update.attested for update in state.updates if update.client in clients)
        case Phase.CHALLENGE:
            return any(proposal.root != right(number) for proposal in state.proposals)
        case _:
            return view.phase is Phase.AGGREGATE

"""Whether a round's inputs lie deep enough in the chain. If a re-org replaced them, a proposal made from them would
lose its bond."""

from __future__ import annotations

from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.snapshot import RoundState
from fedprotocol.types import Phase


def is_confirmed(coordinator: Coordinator, state: RoundState, depth: int) -> bool:
    """Whether the round had the same inputs `depth` blocks ago. Errors: those of Coordinator's reads."""
    if depth == 0 or state.view.phase not in (Phase.AGGREGATE, Phase.CHALLENGE):
        return True
    block = coordinator.head() - depth
    if block < 0:
        return False
    then = coordinator.round_view(state.number, block)
    return then.phase >= Phase.AGGREGATE and then.inputs == state.view.inputs

"""Whether the right global is proposed although the snapshot, which has room for some proposals, does not show it."""

from __future__ import annotations

import logging

from fedprotocol.chain.errors import ChainError
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.snapshot import RoundState

log = logging.getLogger(__name__)


def stands_unseen(coordinator: Coordinator, state: RoundState, own_root: bytes | None) -> bool:
    """Whether `own_root`, the round's global as it was computed here, is live beyond what `state` shows. False also if
    the chain's node does not tell."""
    seen = {proposal.root for proposal in state.proposals}
    if own_root is None or own_root in seen or state.view.live <= len(seen):
        return False
    try:
        return coordinator.proposal(state.number, own_root) is not None
    except ChainError as error:
        log.debug("round %d: whether the right global is proposed is not known: %s", state.number, error)
        return False

"""Up to where the chain counts as final for this node: what rests on it is never taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from web3.types import BlockIdentifier

    from fednode.daemon.action_context import Tools


def final_block(tools: Tools) -> int | None:
    """The newest block under the node's confirmations; None: it wants none, and all of the chain counts. Raises
    ChainError."""
    depth = tools.config.chain.confirmations
    return max(0, tools.coordinator.head() - depth) if depth else None


def state_at(block: int | None) -> BlockIdentifier:
    """How reads name the state at `final_block`."""
    return "pending" if block is None else block

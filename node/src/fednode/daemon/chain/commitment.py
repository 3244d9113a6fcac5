"""The hash by which an update is committed."""

from __future__ import annotations

from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.journal import UpdateRecord


def commitment_hash(coordinator: Coordinator, account: str, record: UpdateRecord) -> bytes:
    """What the commitment of a journalled update by `account` is on the chain, 32 bytes."""
    return coordinator.commit_hash(
        record.round, account, record.prior_root, record.root, record.shift, record.examples, record.salt
    )

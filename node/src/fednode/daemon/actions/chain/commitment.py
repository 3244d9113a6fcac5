"""The hash by which an update is committed."""

from __future__ import annotations

from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.journal import UpdateRecord


def commitment_hash(coordinator: Coordinator, account: str, record: UpdateRecord) -> bytes:
    """The commitment on the chain, 32 bytes, of an update in the journal of `account`."""
    return coordinator.commit_hash(
        record.round, account, record.prior_root, record.root, record.shift, record.examples, record.salt
    )

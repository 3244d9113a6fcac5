"""What a receipt says, where much of it is optional: nodes leave fields out, or null."""

from __future__ import annotations

from web3.types import TxReceipt


def is_in_block(receipt: TxReceipt) -> bool:
    """Some nodes have a receipt, without a block, of what is still pending.

    Raises KeyError, TypeError: it does not say what nothing can do without.
    """
    if receipt.get("blockNumber") is None or receipt.get("blockHash") is None:
        return False
    int(receipt["blockNumber"]), int(receipt["status"])
    return True


def gas_used(receipt: TxReceipt) -> int:
    """For people; 0 if it is not told."""
    return int(receipt.get("gasUsed") or 0)


def paid(receipt: TxReceipt) -> int:
    """The fee in wei, for people; 0 if it is not told."""
    return gas_used(receipt) * int(receipt.get("effectiveGasPrice") or 0)

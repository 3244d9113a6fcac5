"""Reading receipts, in which much is optional: nodes leave fields out or set them to null."""

from __future__ import annotations

from web3.types import TxReceipt


def is_in_block(receipt: TxReceipt) -> bool:
    """Whether the receipt belongs to a block. Some nodes have a receipt without a block for a transaction that is still
    pending. Raises KeyError or TypeError if a field is missing that is always needed.
    """
    if receipt.get("blockNumber") is None or receipt.get("blockHash") is None:
        return False
    int(receipt["blockNumber"]), int(receipt["status"])
    return True


def gas_used(receipt: TxReceipt) -> int:
    """The gas used, to show to people; 0 if the receipt does not say."""
    return int(receipt.get("gasUsed") or 0)


def paid(receipt: TxReceipt) -> int:
    """The fee in wei, to show to people; 0 if the receipt does not say."""
    return gas_used(receipt) * int(receipt.get("effectiveGasPrice") or 0)

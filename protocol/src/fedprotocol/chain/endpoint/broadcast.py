"""Why a node refuses eth_sendRawTransaction: clients have the same reasons, and each its own messages for them."""

from __future__ import annotations

from enum import Enum, auto


class Refusal(Enum):
    """Why a node does not take a transaction that is sent to it."""

    KNOWN = auto()  # it has this transaction already
    NONCE_USED = auto()  # a transaction with this nonce is in a block
    NONCE_TAKEN = auto()  # another one with this nonce is pending, and these fees are too low to replace it
    UNDERPRICED = auto()  # the fees are below what the node takes at all
    NO_FUNDS = auto()
    REFUSED = auto()  # anything else


# geth, erigon, reth and anvil share most words; Nethermind and Besu have their own. The first that fits counts.
_PHRASES = (
    (Refusal.KNOWN, ("already known", "alreadyknown", "already imported", "known transaction", "already in the pool")),
    (Refusal.NONCE_USED, ("nonce too low", "nonce_too_low", "oldnonce", "nonce is too low")),
    (Refusal.NONCE_TAKEN, ("replacement", "replace pending")),
    (
        Refusal.UNDERPRICED,
        ("underpriced", "less than block base fee", "feetoolow", "fee too low", "gas price below", "tip below"),
    ),
    (Refusal.NO_FUNDS, ("insufficient funds", "insufficientfunds", "upfront cost", "insufficient balance")),
)


def classify(message: str) -> Refusal:
    """The meaning of a node's error message."""
    lower = message.lower()
    return next(
        (refusal for refusal, phrases in _PHRASES if any(phrase in lower for phrase in phrases)), Refusal.REFUSED
    )

"""What a node means by its answer to eth_sendRawTransaction; clients agree on the meaning, not on the words."""

from __future__ import annotations

from enum import Enum, auto


class Answer(Enum):
    KNOWN = auto()  # it has this transaction already
    NONCE_USED = auto()  # a transaction with this nonce is in a block
    NONCE_TAKEN = auto()  # another one with this nonce is pending, and these fees are too low to replace it
    UNDERPRICED = auto()  # the fees are below what the node takes at all
    NO_FUNDS = auto()
    REFUSED = auto()  # anything else


# geth, erigon, reth and anvil share most words; Nethermind and Besu have their own. The first that fits counts.
_WORDS = (
    (Answer.KNOWN, ("already known", "alreadyknown", "already imported", "known transaction", "already in the pool")),
    (Answer.NONCE_USED, ("nonce too low", "nonce_too_low", "oldnonce", "nonce is too low")),
    (Answer.NONCE_TAKEN, ("replacement", "replace pending")),
    (
        Answer.UNDERPRICED,
        ("underpriced", "less than block base fee", "feetoolow", "fee too low", "gas price below", "tip below"),
    ),
    (Answer.NO_FUNDS, ("insufficient funds", "insufficientfunds", "upfront cost", "insufficient balance")),
)


def classify(message: str) -> Answer:
    """The meaning of a node's error message."""
    lower = message.lower()
    return next((answer for answer, words in _WORDS if any(w in lower for w in words)), Answer.REFUSED)

"""Text that an account signs for people to check later. No such signature can pass for one of a transaction (ERC-191,
version 0x45: the bytes that are signed begin with 0x19, with which no transaction begins)."""

from __future__ import annotations

from eth_account import Account
from eth_account.messages import encode_defunct
from eth_account.signers.local import LocalAccount
from eth_typing import ChecksumAddress

SIZE = 65  # bytes of a signature: r, s, v


def sign_text(account: LocalAccount, text: str) -> bytes:
    """The signature of `text` in UTF-8, 65 bytes."""
    return bytes(account.sign_message(encode_defunct(text=text)).signature)


def signer_of(text: str, signature: bytes) -> ChecksumAddress | None:
    """Who signed `text`; None if these bytes are nobody's signature. Another text gives another address."""
    if len(signature) != SIZE:
        return None
    try:
        found: ChecksumAddress = Account.recover_message(encode_defunct(text=text), signature=signature)
    except Exception:  # the libraries let through any exception that a wrong byte causes
        return None
    return found

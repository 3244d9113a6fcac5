"""Accounts as a person writes them after a command."""

from __future__ import annotations

from collections.abc import Iterable

from eth_typing import ChecksumAddress
from fedprotocol.address import parse_address

from fednode.federation.network import SponsorError


def account(text: str) -> ChecksumAddress:
    """An address with its checksum. Raises SponsorError."""
    try:
        return parse_address(text)
    except ValueError as error:
        raise SponsorError(f"the address {text!r} {error}") from None


def accounts(texts: Iterable[str]) -> list[ChecksumAddress]:
    """Each address once. Raises SponsorError, also if there is none."""
    found = list(dict.fromkeys(map(account, texts)))
    if not found:
        raise SponsorError("which accounts? Write their addresses after the command: 0x… 0x…")
    return found

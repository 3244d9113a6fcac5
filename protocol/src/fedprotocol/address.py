"""Ethereum addresses as people write them."""

from __future__ import annotations

from eth_typing import ChecksumAddress
from eth_utils.address import is_checksum_address, is_checksum_formatted_address, is_hex_address, to_checksum_address

NOBODY = to_checksum_address("0x" + 40 * "0")
"""Solidity's address(0): no contract, no account."""


def parse_address(text: str) -> ChecksumAddress:
    """The checksummed address; in mixed case the checksum (EIP-55) must be right, for it catches typing mistakes.

    Raises ValueError, for a caller that knows what the address was for.
    """
    if not text.startswith("0x") or not is_hex_address(text):
        raise ValueError("must be an Ethereum address, 0x and 40 hex digits")
    if is_checksum_formatted_address(text) and not is_checksum_address(text):
        raise ValueError("has a wrong checksum: is it typed correctly?")
    return to_checksum_address(text)

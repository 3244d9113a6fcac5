"""Ethereum addresses as people write them."""

from __future__ import annotations

from functools import lru_cache

from eth_typing import ChecksumAddress
from eth_utils.address import is_checksum_address, is_checksum_formatted_address, is_hex_address, to_checksum_address

NOBODY = to_checksum_address("0x" + 40 * "0")
"""Solidity's address(0): no contract, no account."""

checksummed = lru_cache(100_000)(to_checksum_address)
"""An address with its checksum, whose computation takes a while; a program meets the same addresses again and again."""


def parse_address(text: str) -> ChecksumAddress:
    """The address with its checksum. If it is written in mixed case, the checksum (EIP-55) must be right, because that
    catches typing mistakes.

    Raises ValueError, without saying what the address is for, which the caller knows.
    """
    if not text.startswith("0x") or not is_hex_address(text):
        raise ValueError("must be an Ethereum address, 0x and 40 hex digits")
    if is_checksum_formatted_address(text) and not is_checksum_address(text):
        raise ValueError("has a wrong checksum: is it typed correctly?")
    return to_checksum_address(text)

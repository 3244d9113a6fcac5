"""What a signed transaction contains, in the form that was requested: EIP-1559, or legacy with the chain id
(EIP-155)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import rlp  # type: ignore[import-untyped]
from eth_account.datastructures import SignedTransaction
from eth_account.typed_transactions.dynamic_fee_transaction import DynamicFeeTransaction
from eth_utils.crypto import keccak
from hexbytes import HexBytes

LEGACY = ("nonce", "gasPrice", "gas", "to", "value", "data")  # in their order; then v, r and s
NUMBERS = {"nonce", "gasPrice", "gas", "value"}
CHAIN_IN_V = 35  # v is this number plus twice the chain's id plus one bit


def is_legacy(asked: Mapping[str, Any]) -> bool:
    return "gasPrice" in asked


def form(asked: Mapping[str, Any]) -> str:
    """For people."""
    return "legacy" if is_legacy(asked) else "EIP-1559"


def differing(raw: bytes, asked: dict[str, Any]) -> list[str]:
    """Names of the fields in which a signed transaction differs from the requested one. Any exception of the decoders
    passes; it means that the bytes are no transaction of that form.
    """
    if is_legacy(asked):
        return _differing_legacy(raw, asked)
    signed, wanted = DynamicFeeTransaction.from_bytes(HexBytes(raw)), DynamicFeeTransaction.from_dict(asked)
    if signed.hash() == wanted.hash():
        return []
    expected, given = wanted.as_dict(), signed.as_dict()
    return [name for name in asked if given[name] != expected[name]] or ["accessList"]


def signed_transaction(raw: bytes, asked: Mapping[str, Any]) -> SignedTransaction:
    """The transaction in the form that eth_account returns. Raises the same errors as `differing`."""
    if is_legacy(asked):
        v, r, s = map(_number, rlp.decode(raw)[len(LEGACY) :])
    else:
        v, r, s = DynamicFeeTransaction.from_bytes(HexBytes(raw)).vrs()
    return SignedTransaction(raw_transaction=HexBytes(raw), hash=HexBytes(keccak(raw)), r=r, s=s, v=v)


def _differing_legacy(raw: bytes, asked: Mapping[str, Any]) -> list[str]:
    *values, v, _, _ = rlp.decode(raw)
    given: dict[str, Any] = {
        name: _number(value) if name in NUMBERS else value for name, value in zip(LEGACY, values, strict=True)
    }
    given["chainId"] = (_number(v) - CHAIN_IN_V) // 2
    return [name for name, value in asked.items() if given[name] != (value if isinstance(value, int) else bytes(value))]


def _number(value: bytes) -> int:
    return int.from_bytes(value)

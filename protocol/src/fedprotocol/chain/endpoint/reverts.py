"""The bytes that a call reverted with, wherever a node puts them in its JSON-RPC error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

DEPTH = 4  # how deep objects in an error are searched
FIRST = ("data", "result", "output")  # these keys are tried first, in this order
REVERT_CODE = 3  # the code of geth, and of many nodes that followed it


def revert_data(error: Any) -> bytes | None:
    """The revert data in the "error" of a JSON-RPC answer; None if there is none.

    geth, anvil, reth, Besu and Nethermind: `data` is "0x…". Parity and nodes derived from it: "Reverted 0x…". Hardhat,
    Ganache and gateways in front of nodes: an object, or one in another (`data.data`, `data.originalError.data`).
    """
    return _in(error["data"], DEPTH) if isinstance(error, Mapping) and "data" in error else None


def speaks_of_a_revert(error: Mapping[str, Any]) -> bool:
    """Whether the code or the words of an error say that a contract reverted, with or without data."""
    return error.get("code") == REVERT_CODE or "revert" in str(error.get("message")).lower()


def _in(value: Any, depth: int) -> bytes | None:
    if isinstance(value, str):
        return _hex(value)
    if not isinstance(value, Mapping) or depth == 0:
        return None
    inner = [value[key] for key in FIRST if key in value] + [v for v in value.values() if isinstance(v, Mapping)]
    return next((found for item in inner if (found := _in(item, depth - 1)) is not None), None)


def _hex(text: str) -> bytes | None:
    digits = text.removeprefix("Reverted ").strip()
    if not digits.startswith("0x"):
        return None
    try:
        return bytes.fromhex(digits[2:])
    except ValueError:
        return None

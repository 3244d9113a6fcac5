"""Whether runtime code is that of a contract of this version (`code.json`, written by `tools/export_abi.py`).

Every byte must be, but for what a deployment fills in and for the metadata at the end, which no code can reach. Proxies
and delegations therefore never are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from web3 import Web3

from fedprotocol.chain.abi import load

OWN_ADDRESS = "own address"
DELEGATION = bytes.fromhex("ef0100")  # EIP-7702: an account with a key, whose code is whatever it last signed
MAX_METADATA = 256  # bytes, with the two of its length


@dataclass(frozen=True)
class Blank:
    """Bytes that a deployment fills in: a library's address, or the contract's own one (`OWN_ADDRESS`)."""

    start: int
    length: int
    holds: str


@dataclass(frozen=True)
class Shipped:
    """A contract of this version. `length` and `keccak`: of its code without metadata, the blanks zero; `constructor`:
    what comes before the code in what makes it; a gate has none here, for its list is its owner's anyway."""

    name: str
    role: str  # "coordinator", "disputes", "rule", "gate" or "library"
    length: int
    blanks: tuple[Blank, ...]
    keccak: bytes
    constructor: bytes
    constructor_blanks: tuple[Blank, ...]


@cache
def shipped() -> Mapping[str, Shipped]:
    """Every contract of this version, by its name."""
    return {
        name: Shipped(
            name,
            entry["role"],
            entry["length"],
            tuple(Blank(*blank) for blank in entry["blanks"]),
            bytes.fromhex(entry["keccak"][2:]),
            bytes.fromhex(entry["constructor"][2:]),
            tuple(Blank(*blank) for blank in entry["constructor_blanks"]),
        )
        for name, entry in load("code").items()
    }


def code_hash(code: bytes) -> str:
    """What a chain calls the hash of this code (EXTCODEHASH), 0x-hex."""
    return Web3.to_hex(Web3.keccak(code))


def can_change(code: bytes) -> bool:
    """Whether another code may stand at the address tomorrow: there is none yet, or an account with a key has lent it.

    All other code stays: that of this version destroys nothing, and needs a chain on which a contract can only be
    destroyed in the transaction that made it (EIP-6780, of the same upgrade as its own instructions).
    """
    return not code or code.startswith(DELEGATION)


def libraries_in(code: bytes, address: str, contract: Shipped) -> Mapping[str, str] | None:
    """None unless `code`, which stands at `address`, is the contract's; then the libraries' addresses in it, by name.

    A library's address is whatever the deployer linked to: what stands there is to be examined too.
    """
    if not _is_metadata(code[contract.length :]):
        return None
    body = bytearray(code[: contract.length])
    found: dict[str, str] = {}
    for blank in contract.blanks:
        place = slice(blank.start, blank.start + blank.length)
        held = Web3.to_checksum_address(bytes(body[place]))
        if held != found.setdefault(blank.holds, held):
            return None
        body[place] = bytes(blank.length)
    own = Web3.to_checksum_address(address)
    if found.pop(OWN_ADDRESS, own) != own or bytes(Web3.keccak(bytes(body))) != contract.keccak:
        return None
    return found


def _is_metadata(tail: bytes) -> bool:
    """Whether this is nothing, or a CBOR map with its own length behind it, as solc appends."""
    if not tail:
        return True
    length = len(tail) - 2
    return 0 < length <= MAX_METADATA - 2 and int.from_bytes(tail[-2:], "big") == length and tail[0] >> 5 == 5

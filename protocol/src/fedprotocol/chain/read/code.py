"""Whether runtime code is that of a contract of this version (`code.json`, written by `tools/export_abi.py`).

Every byte must be the same, except the parts that a deployment fills in and the metadata at the end, which no code can
reach. So proxies and delegations never count as such code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from web3 import Web3

from fedprotocol.chain.abi import load

OWN_ADDRESS = "own address"
DELEGATION = bytes.fromhex("ef0100")  # EIP-7702: an account with a key, whose code is whatever it last signed
MAX_METADATA = 256  # bytes, including the two that give its length


@dataclass(frozen=True)
class Blank:
    """Bytes that a deployment fills in: a library's address, or the contract's own one (`OWN_ADDRESS`)."""

    start: int
    length: int
    holds: str


@dataclass(frozen=True)
class Shipped:
    """A contract of this version. `length` and `keccak` are those of its code without metadata, and with zeros in the
    blanks. `constructor` is the part of the deployment code that comes before the code itself. A gate has none here,
    because its owner decides about its list anyway."""

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


@cache
def shipped_version() -> str:
    """A hash of all that code is compared with, 0x-hex: two versions with the same one know the same contracts."""
    return code_hash(files("fedprotocol.chain").joinpath("abi", "code.json").read_bytes())


def code_hash(code: bytes) -> str:
    """What a chain calls the hash of this code (EXTCODEHASH), 0x-hex."""
    return Web3.to_hex(Web3.keccak(code))


def can_change(code: bytes) -> bool:
    """Whether the address may have another code tomorrow: because it has none yet, or because an account with a key has
    lent it. All other code stays. This version's contracts destroy nothing. They need a chain on which a contract can
    only be destroyed in the transaction that made it (EIP-6780, which came in the same upgrade as instructions that
    they use).
    """
    return not code or code.startswith(DELEGATION)


def libraries_in(code: bytes, address: str, contract: Shipped) -> Mapping[str, str] | None:
    """The addresses of the libraries in `code`, by name, if `code` at `address` is the code of the contract; otherwise
    None. The deployer chose these addresses, so the code there has to be examined too.
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
    """Whether this is empty, or a CBOR map followed by its length, which is what solc appends."""
    if not tail:
        return True
    length = len(tail) - 2
    return 0 < length <= MAX_METADATA - 2 and int.from_bytes(tail[-2:], "big") == length and tail[0] >> 5 == 5

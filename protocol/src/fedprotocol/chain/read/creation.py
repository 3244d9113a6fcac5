"""That a contract was made by this version's constructor, read off its address.

Runtime code says what a contract does from now on, not what its storage held at its birth, nor what stood at its
address before: another constructor leaves debts to its author, or proposals nobody made, under the very same code, and
a library or a rule can be another one in the transaction that makes the coordinator. An address made by CREATE2 is a
hash over the code that made it. So all are deployed through the one deployer that has the same address on every chain
(https://github.com/Arachnid/deterministic-deployment-proxy), with a salt that counts from zero.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from eth_typing import ChecksumAddress
from web3 import Web3

from fedprotocol.address import NOBODY
from fedprotocol.chain.read.code import OWN_ADDRESS, Blank, Shipped

DEPLOYER = Web3.to_checksum_address("0x4e59b44847b379578588920cA78FbF26c0B4956C")
"""Takes 32 bytes of salt and the code to run as calldata. Nobody has the key of the account that made it: its signature
was picked by hand."""

DEPLOYER_MAKER = Web3.to_checksum_address("0x3fAB184622Dc19b6109349B94811493BF2a45362")
DEPLOYER_COST = 10**16  # wei that the maker needs
DEPLOYER_TRANSACTION = bytes.fromhex(
    "f8a58085174876e800830186a08080b853604580600e600039806000f350fe7fffffffffffffffffffffffffffffffffffffffffffffff"
    "ffffffffffffffffe03601600081602082378035828234f58015156039578182fd5b8082525050506014600cf31ba02222222222222222"
    "222222222222222222222222222222222222222222222222a0222222222222222222222222222222222222222222222222222222222222"
    "2222"
)

SALTS = 64  # federations of one and the same configuration on a chain


def made_at(salt: int, init_code: bytes) -> ChecksumAddress:
    """Where the deployer makes what this code constructs."""
    digest = Web3.keccak(b"\xff" + bytes.fromhex(DEPLOYER[2:]) + salt.to_bytes(32, "big") + Web3.keccak(init_code))
    return Web3.to_checksum_address(digest[-20:])


def init_code(contract: Shipped, code: bytes, libraries: Mapping[str, str], arguments: bytes) -> bytes:
    """What constructed a `contract` whose code on the chain is `code`, from ABI-encoded arguments.

    Its constructor is followed by the code that it returns; see `libraries_in` for the libraries.
    """
    constructor = filled(contract.constructor, contract.constructor_blanks, libraries)
    return constructor + filled(code, contract.blanks, {**libraries, OWN_ADDRESS: NOBODY}) + arguments


def filled(code: bytes, blanks: Iterable[Blank], addresses: Mapping[str, str]) -> bytes:
    """`code` with these addresses, by what a blank holds."""
    body = bytearray(code)
    for blank in blanks:
        body[blank.start : blank.start + blank.length] = bytes.fromhex(addresses[blank.holds][2:])
    return bytes(body)


def was_made(address: str, init_code: bytes) -> bool:
    """Whether the deployer made the contract at `address` from this, with one of the salts in use."""
    return any(made_at(salt, init_code) == address for salt in range(SALTS))

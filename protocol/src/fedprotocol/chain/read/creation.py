"""How a contract's address shows that this version's constructor made it.

Runtime code says what a contract does from now on. It does not say what its storage held at first, nor what was at its
address before. Under exactly the same code, another constructor can leave debts to its author, or proposals that nobody
made. And a library or a rule can be a different one during the transaction that deploys the coordinator. An address
made by CREATE2 is a hash over the deployment code. So all contracts are deployed through the deployer that has the same
address on every chain (https://github.com/Arachnid/deterministic-deployment-proxy), with salts that count from zero.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from eth_typing import ChecksumAddress
from web3 import Web3

from fedprotocol.address import NOBODY
from fedprotocol.chain.read.code import OWN_ADDRESS, Blank, Shipped

DEPLOYER = Web3.to_checksum_address("0x4e59b44847b379578588920cA78FbF26c0B4956C")
"""The deployer. Its calldata are 32 bytes of salt and the deployment code. Nobody has the key of the account that
deployed it, because the signature of that transaction was made up."""

DEPLOYER_MAKER = Web3.to_checksum_address("0x3fAB184622Dc19b6109349B94811493BF2a45362")
DEPLOYER_COST = 10**16  # wei that the account needs which deploys the deployer
DEPLOYER_TRANSACTION = bytes.fromhex(
    "f8a58085174876e800830186a08080b853604580600e600039806000f350fe7fffffffffffffffffffffffffffffffffffffffffffffff"
    "ffffffffffffffffe03601600081602082378035828234f58015156039578182fd5b8082525050506014600cf31ba02222222222222222"
    "222222222222222222222222222222222222222222222222a0222222222222222222222222222222222222222222222222222222222222"
    "2222"
)

SALTS = 64  # how many federations with the same configuration one chain can have


def made_at(salt: int, init_code: bytes) -> ChecksumAddress:
    """The address at which the deployer creates the contract of this deployment code."""
    digest = Web3.keccak(b"\xff" + bytes.fromhex(DEPLOYER[2:]) + salt.to_bytes(32, "big") + Web3.keccak(init_code))
    return Web3.to_checksum_address(digest[-20:])


def init_code(contract: Shipped, code: bytes, libraries: Mapping[str, str], arguments: bytes) -> bytes:
    """The deployment code of a `contract` whose code on the chain is `code`, with these ABI-encoded arguments. It
    consists of the constructor, followed by the code that the constructor returns. See `libraries_in` for the
    libraries.
    """
    constructor = filled(contract.constructor, contract.constructor_blanks, libraries)
    return constructor + filled(code, contract.blanks, {**libraries, OWN_ADDRESS: NOBODY}) + arguments


def filled(code: bytes, blanks: Iterable[Blank], addresses: Mapping[str, str]) -> bytes:
    """`code` with these addresses filled into its blanks."""
    body = bytearray(code)
    for blank in blanks:
        body[blank.start : blank.start + blank.length] = bytes.fromhex(addresses[blank.holds][2:])
    return bytes(body)


def was_made(address: str, init_code: bytes) -> bool:
    """Whether the deployer created the contract at `address` from this deployment code, with one of the salts in
    use."""
    return any(made_at(salt, init_code) == address for salt in range(SALTS))

"""The keccak digests of the protocol: commitments, and the running hash over a round's inputs."""

from __future__ import annotations

from eth_abi.abi import encode
from eth_utils.crypto import keccak


def commit_hash(
    chain_id: int,
    coordinator: str,
    round_number: int,
    sender: str,
    prior_root: bytes,
    root: bytes,
    shift: int,
    examples: int,
    salt: bytes,
) -> bytes:
    """The hash that `commit` takes (32 bytes). Addresses are 0x-hex, roots and salt 32 bytes."""
    return keccak(
        encode(
            ["uint256", "address", "uint256", "address", "bytes32", "bytes32", "uint8", "uint32", "bytes32"],
            [chain_id, coordinator, round_number, sender, prior_root, root, shift, examples, salt],
        )
    )


def inputs_genesis(chain_id: int, coordinator: str, round_number: int, prior_root: bytes) -> bytes:
    """The value from which a round's `inputsHash` starts with the first reveal."""
    kinds = ["uint256", "address", "uint256", "bytes32"]
    return keccak(encode(kinds, [chain_id, coordinator, round_number, prior_root]))


def inputs_step(before: bytes, index: int, client: str, root: bytes, shift: int, weight: int) -> bytes:
    """`inputsHash` after one more reveal."""
    return keccak(
        encode(
            ["bytes32", "uint256", "address", "bytes32", "uint8", "uint256"],
            [before, index, client, root, shift, weight],
        )
    )

"""A block, as far as it matters to whoever follows the chain."""

from __future__ import annotations

from typing import NamedTuple

from web3 import Web3
from web3.exceptions import BlockNotFound
from web3.types import BlockIdentifier

from fedprotocol.chain.errors import translated


class Block(NamedTuple):
    """A block on the chain; `hash` is empty for the block before the first one that is read."""

    number: int
    hash: bytes
    parent: bytes = b""
    time: int = 0


def read_block(web3: Web3, which: BlockIdentifier) -> Block | None:
    """The block; None if the node does not have it. Raises ChainUnreachable, RpcRefused."""
    with translated("eth_getBlockByNumber"):
        try:
            found = web3.eth.get_block(which)
        except BlockNotFound:
            return None
    return Block(found["number"], bytes(found["hash"]), bytes(found["parentHash"]), int(found["timestamp"]))

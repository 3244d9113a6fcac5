"""Local chains for development, where ether and tokens cost nothing and a block is made when there is a transaction."""

from __future__ import annotations

from web3 import Web3

from fedprotocol.chain.errors import translated
from fedprotocol.chain.send.gas import advisory

CLIENTS = ("anvil", "hardhat", "ganache", "ethereumjs testrpc")


def is_development(web3: Web3) -> bool:
    """Whether the chain's node is one of those, no matter who started it. A node that does not say what it is does not
    count."""
    version = ""
    with advisory("web3_clientVersion"), translated("web3_clientVersion"):
        version = str(web3.client_version)
    return version.lower().startswith(CLIENTS)

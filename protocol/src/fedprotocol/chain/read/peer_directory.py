"""The contract in which participants say where their content can be read from (`IPeerDirectory`).

It serves every federation of a chain. Its address follows from its code, so that it stands nowhere in a config and
nobody can put another in its place.
"""

from __future__ import annotations

from collections.abc import Sequence

from web3 import Web3
from web3.contract.contract import ContractFunction

from fedprotocol.chain.abi import load
from fedprotocol.chain.errors import translated
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.creation import made_at

MOST_BYTES = 512
"""The most bytes of an announcement; the contract refuses more."""


def creation_code() -> bytes:
    """What makes the contract."""
    return bytes.fromhex(load("peers_code").removeprefix("0x"))


ADDRESS = made_at(0, creation_code())


class PeerDirectory:
    """What it says about one federation."""

    def __init__(self, coordinator: Coordinator) -> None:
        self._coordinator = coordinator
        self._functions = coordinator.web3.eth.contract(address=ADDRESS, abi=load("peers")).functions

    def is_there(self) -> bool:
        """Whether this chain has it. Raises ChainError."""
        with translated("eth_getCode"):
            return bool(self._coordinator.web3.eth.get_code(ADDRESS))

    def announced(self, accounts: Sequence[str]) -> dict[str, str]:
        """Account -> what it said, without those that said nothing; empty where the chain has no directory.

        Raises ChainError.
        """
        if not accounts or not self.is_there():
            return {}
        asked = [Web3.to_checksum_address(account) for account in accounts]
        with translated("announced"):
            said = self._functions.announced(self._coordinator.address, asked).call()
        texts = [bytes(one).decode("utf-8", "replace") for one in said]
        return {account: text for account, text in zip(asked, texts, strict=True) if text}

    def said_by(self, account: str) -> str:
        """What `account` said; empty if nothing, or where the chain has no directory. Raises ChainError."""
        return self.announced([account]).get(account, "")

    def announce(self, text: str) -> ContractFunction:
        """A call that makes it what the sender says."""
        return self._functions.announce(self._coordinator.address, text.encode())

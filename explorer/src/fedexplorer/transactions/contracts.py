"""The federation's contracts, and the ABI of each."""

from __future__ import annotations

from dataclasses import dataclass

from fedprotocol.chain.read.peer_directory import ADDRESS
from fedprotocol.types import FederationConfig

ABIS = {"coordinator": "coordinator", "disputes contract": "disputes", "token": "erc20", "peer directory": "peers"}
"""What a page calls a contract -> the name of its shipped ABI."""


@dataclass(frozen=True, slots=True)
class Contracts:
    """The addresses of one federation's contracts, checksummed."""

    coordinator: str
    disputes: str
    token: str
    peers: str = ADDRESS

    @classmethod
    def of(cls, coordinator: str, config: FederationConfig) -> Contracts:
        """The contracts of the coordinator at that address."""
        return cls(coordinator, config.disputes, config.token)

    @property
    def names(self) -> dict[str, str]:
        """What a page calls each of them, by address."""
        return {
            self.peers: "peer directory",
            self.token: "token",
            self.disputes: "disputes contract",
            self.coordinator: "coordinator",
        }

    def name(self, address: str | None) -> str | None:
        """What a page calls the contract at `address`; None if it is none of the federation's."""
        return self.names.get(address) if address else None

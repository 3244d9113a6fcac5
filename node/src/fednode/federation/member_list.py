"""The list of a federation's members, where an AllowlistGate keeps one."""

from __future__ import annotations

from collections.abc import Sequence

from fedprotocol.address import NOBODY
from fedprotocol.chain.errors import translated
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.trust import examine
from fedprotocol.chain.send.sender import Sender
from web3 import Web3

from fednode.federation.network import Network, SponsorError

AT_ONCE = 100  # accounts in a transaction, of about 50,000 gas each


class MemberList:
    """Whom the gate of `coordinator` admits, as its owner may change it.

    Raises SponsorError where there is no such list.
    """

    def __init__(self, network: Network, coordinator: Coordinator) -> None:
        self.address = coordinator.config().gate
        if self.address == NOBODY:
            raise SponsorError("this federation is open to all: it has no list of members, and none can be added later")
        if not any(part.role == "gate" and part.contract == "AllowlistGate" for part in examine(coordinator)):
            raise SponsorError(
                f"the gate {self.address} is a contract of the sponsor's own and not an AllowlistGate: change there "
                f"whom it admits; {network.command('members drop 0x…')} then frees the seat of one that it refuses"
            )
        abi = network.code("AllowlistGate").abi
        self._functions = coordinator.web3.eth.contract(Web3.to_checksum_address(self.address), abi=abi).functions

    def owner(self) -> str:
        with translated("the gate's owner"):
            return str(self._functions.owner().call())

    def is_listed(self, account: str) -> bool:
        with translated("the gate's list"):
            return bool(self._functions.isAllowed(account).call())

    def change(self, sender: Sender, accounts: Sequence[str], listed: bool) -> None:
        """Put them on the list or take them off. Raises SponsorError unless the sender owns it."""
        owner = self.owner()
        if owner != sender.address:
            raise SponsorError(f"the list belongs to {owner}, and your account is {sender.address}: use the owner's")
        for first in range(0, len(accounts), AT_ONCE):
            some = list(accounts[first : first + AT_ONCE])
            sender.send(self._functions.setAllowed(some, listed), f"{'allow' if listed else 'disallow'} {len(some)}")

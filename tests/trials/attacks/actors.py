"""Those who act by hand: real keys, journals and transactions, and no program that keeps them honest."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eth_account.signers.local import LocalAccount
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.send.fees import FeePolicy
from fedprotocol.chain.send.sender import Sender
from fedprotocol.journal import Journal
from fedprotocol.leaves import Leaves
from fedprotocol.tree import PAGE_LEAVES
from web3.contract.contract import ContractFunction

POLICY = FeePolicy(poll=0.05)


class Actor:
    """One account. Errors of every call: those of `Sender.send`."""

    def __init__(self, coordinator: Coordinator, account: LocalAccount, journal: Path) -> None:
        self.coordinator = coordinator
        self.account = account
        self._journal = Journal(journal)
        self._sender = Sender(coordinator.web3, account, self._journal, POLICY)

    @property
    def address(self) -> str:
        return self.account.address

    def send(self, call: Any, label: str) -> Any:
        """The receipt of a transaction that is in a block."""
        return self._sender.send(call, label)

    def approve(self, amount: int) -> None:
        """Let the coordinator take up to `amount` token units."""
        self.coordinator.token.ensure_allowance(self._sender, self.coordinator.address, amount)

    def join(self, stake: int | None = None) -> None:
        """Take a seat, with the smallest stake unless told otherwise."""
        amount = self.coordinator.config().min_stake if stake is None else stake
        self.approve(amount)
        self.send(self.coordinator.calls.join(amount), "join")

    def propose(self, round_number: int, digests: Sequence[bytes]) -> None:
        """All pages of a proposal; the bond must be approved, or is now."""
        self.approve(self.coordinator.bond_of(self.address))
        for page in range(-(-len(digests) // PAGE_LEAVES)):
            self.page(round_number, page, digests)

    def page(self, round_number: int, page: int, digests: Sequence[bytes]) -> None:
        """Page `page` of a proposal with these leaf digests."""
        part = digests[page * PAGE_LEAVES : (page + 1) * PAGE_LEAVES]
        self.send(proposal(self.coordinator, round_number, page, part), f"propose page {page}")

    def close(self) -> None:
        self._journal.close()


def proposal(coordinator: Coordinator, round_number: int, page: int, digests: Sequence[bytes]) -> ContractFunction:
    """A page of a proposal that names the round's inputs as they are."""
    view = coordinator.round_view(round_number)
    return coordinator.calls.propose(round_number, view.inputs_hash, view.accepted_mask, page, digests)


def digests_of(leaves: Leaves) -> list[bytes]:
    """What a proposal of this tree says."""
    return [leaves.digest(index) for index in range(len(leaves))]

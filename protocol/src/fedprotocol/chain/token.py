"""The federation's ERC-20 token."""

from __future__ import annotations

from typing import Protocol

from eth_typing import ChecksumAddress
from web3 import Web3
from web3.contract.contract import ContractFunction
from web3.types import BlockIdentifier, TxReceipt

from fedprotocol.chain.abi import load
from fedprotocol.chain.errors import ContractReverted, translated
from fedprotocol.printable import LONGEST_NAME, printable


class Sends(Protocol):
    """What of a Sender is needed here."""

    @property
    def address(self) -> ChecksumAddress: ...

    def send(self, call: ContractFunction, label: str, deadline: int | None = None) -> TxReceipt: ...


class Token:
    """Amounts are in the token's smallest unit; `decimals` says how many of them make one token."""

    def __init__(self, web3: Web3, address: str) -> None:
        self.address = Web3.to_checksum_address(address)
        self.contract = web3.eth.contract(address=self.address, abi=load("erc20"))

    def balance_of(self, account: str, block: BlockIdentifier = "pending") -> int:
        with translated("token.balanceOf"):
            return int(self.contract.functions.balanceOf(account).call(block_identifier=block))

    def allowance(self, owner: str, spender: str, block: BlockIdentifier = "pending") -> int:
        with translated("token.allowance"):
            return int(self.contract.functions.allowance(owner, spender).call(block_identifier=block))

    def decimals(self) -> int:
        with translated("token.decimals"):
            return int(self.contract.functions.decimals().call())

    def symbol(self) -> str:
        """What the token calls itself, as it can be shown. Raises NotACoordinator if that is no text."""
        with translated(f"the symbol of the token {self.address}"):
            return printable(self.contract.functions.symbol().call(), LONGEST_NAME)

    def approve(self, spender: str, amount: int) -> ContractFunction:
        return self.contract.functions.approve(spender, amount)

    def ensure_allowance(
        self, sender: Sends, spender: str, amount: int, deadline: int | None = None
    ) -> TxReceipt | None:
        """Approve exactly `amount` if the allowance is short of it, by `deadline` (chain time); None if it was enough.

        Some tokens (USDT) change an allowance from or to zero only: there the old one is taken back first.
        """
        standing = self.allowance(sender.address, spender)
        if standing >= amount:
            return None
        call, label = self.approve(spender, amount), f"approve {amount} token units"
        try:
            return sender.send(call, label, deadline)
        except ContractReverted:
            if standing == 0:
                raise
        sender.send(self.approve(spender, 0), f"take back an approval of {standing} token units", deadline)
        return sender.send(call, label, deadline)

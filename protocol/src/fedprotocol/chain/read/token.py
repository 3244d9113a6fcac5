"""The federation's ERC-20 token. Real tokens differ: some give their symbol as 32 bytes or not at all, some return
nothing where the standard wants true, and some change an allowance only from zero or to zero."""

from __future__ import annotations

from typing import Protocol

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError
from eth_typing import ChecksumAddress
from web3 import Web3
from web3.contract.contract import ContractFunction
from web3.exceptions import BadFunctionCallOutput
from web3.types import BlockIdentifier, TxReceipt

from fedprotocol.chain.abi import load
from fedprotocol.chain.errors import ChainError, ContractReverted, NotACoordinator, translated
from fedprotocol.printable import LONGEST_NAME, printable

MOST_DECIMALS = 36
"""No token has more decimals than this. With more, an amount could not be written."""


class NoToken(ChainError):
    """There is no ERC-20 token at the address."""


class Sends(Protocol):
    """The part of a Sender that is needed here."""

    @property
    def address(self) -> ChecksumAddress: ...

    def send(self, call: ContractFunction, label: str, deadline: int | None = None) -> TxReceipt: ...


class Token:
    """Amounts are in the token's smallest unit; `decimals` says how many of them make one token."""

    def __init__(self, web3: Web3, address: str) -> None:
        self.address = Web3.to_checksum_address(address)
        self.contract = web3.eth.contract(address=self.address, abi=load("erc20"))
        self._eth = web3.eth

    def require(self, account: str) -> None:
        """Raise NoToken unless the contract there answers for the balance and the allowance of `account`, as every
        ERC-20 token does."""
        with translated("eth_getCode"):
            if not self._eth.get_code(self.address):
                raise NoToken(f"there is no contract at the token's address {self.address} on this chain")
        try:
            self.balance_of(account)
            self.allowance(account, self.address)
        except (ContractReverted, NotACoordinator) as error:
            raise NoToken(f"the contract at {self.address} is no ERC-20 token: {error}") from error

    def balance_of(self, account: str, block: BlockIdentifier = "pending") -> int:
        with translated("token.balanceOf"):
            return int(self.contract.functions.balanceOf(account).call(block_identifier=block))

    def allowance(self, owner: str, spender: str, block: BlockIdentifier = "pending") -> int:
        with translated("token.allowance"):
            return int(self.contract.functions.allowance(owner, spender).call(block_identifier=block))

    def decimals(self) -> int:
        """Raises ContractReverted or NotACoordinator if the token names no decimals, or an impossible number."""
        with translated("token.decimals"):
            decimals = int(self.contract.functions.decimals().call())
        if decimals > MOST_DECIMALS:
            raise NotACoordinator(f"the token {self.address} says it has {decimals} decimals")
        return decimals

    def symbol(self) -> str:
        """The token's symbol, in a form that can be shown. It is a text, or 32 bytes filled up with zeros as before the
        standard (MKR). Raises ContractReverted or NotACoordinator if it is no text."""
        with translated(f"the symbol of the token {self.address}"):
            data = self.contract.functions.symbol()._encode_transaction_data()
            return printable(_text(bytes(self._eth.call({"to": self.address, "data": data}))), LONGEST_NAME)

    def approve(self, spender: str, amount: int) -> ContractFunction:
        return self.contract.functions.approve(spender, amount)

    def ensure_allowance(
        self, sender: Sends, spender: str, amount: int, deadline: int | None = None
    ) -> TxReceipt | None:
        """Approve exactly `amount` if the allowance is short of it, by `deadline` (chain time); None if it was enough.

        Some tokens (USDT) change an allowance only from zero or to zero; there the old one is set to zero first.
        """
        standing = self.allowance(sender.address, spender)
        if standing >= amount:
            return None
        call, label = self.approve(spender, amount), "approve tokens"
        try:
            return sender.send(call, label, deadline)
        except ContractReverted:
            if standing == 0:
                raise
        sender.send(self.approve(spender, 0), "take back an earlier approval", deadline)
        return sender.send(call, label, deadline)


def _text(answer: bytes) -> str:
    """The text in an ABI-encoded string or bytes32."""
    if len(answer) == 32:
        return answer.rstrip(b"\0").decode()
    try:
        [text] = decode(["string"], answer)
    except (DecodingError, OverflowError) as error:  # OverflowError: a length that no memory holds
        raise BadFunctionCallOutput("no text") from error
    return str(text)

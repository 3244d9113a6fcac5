"""What a sponsor does with the federation's token. Amounts, allowances and the kinds of tokens are in `fedprotocol`."""

from __future__ import annotations

from brownie import DemoToken
from fedprotocol.chain.amounts import Amounts
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.token import Token
from fedprotocol.chain.send.sender import Sender

from scripts.lib.network import ScriptError, is_development


def ensure_balance(token: Token, sender: Sender, amount: int, demo: bool) -> None:
    """Make sure that the sender has `amount` units. On a development chain a demo token is minted; other tokens the
    sender must have."""
    missing = amount - token.balance_of(sender.address)
    if missing <= 0:
        return
    if demo and is_development():
        contract = token.contract.w3.eth.contract(address=token.address, abi=DemoToken.abi)
        if contract.functions.owner().call() == sender.address:
            sender.send(contract.functions.mint(sender.address, missing), "mint demo tokens")
            return
    amounts = Amounts.of(token)
    raise ScriptError(
        f"{sender.address} holds {amounts(token.balance_of(sender.address))}, and "
        f"{amounts.needed(missing)} more are needed: send it some"
    )


def fund(coordinator: Coordinator, sender: Sender, amount: int) -> None:
    """Add `amount` units of the sender's tokens to the pool."""
    coordinator.token.ensure_allowance(sender, coordinator.address, amount)
    sender.send(coordinator.calls.fund(amount), "fund the pool")

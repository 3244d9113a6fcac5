"""The federation's token, from the side of whoever sends transactions."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from brownie import DemoToken, web3
from fedprotocol.chain.errors import ChainError
from fedprotocol.chain.token import Token
from fedprotocol.deployment import Deployment
from fedprotocol.federation import to_units

from scripts.lib.contracts import bound
from scripts.lib.network import ScriptError, is_development


def reader(address: str) -> Token:
    """A client of the token at `address`. Raises ScriptError if there is none."""
    if not web3.eth.get_code(address):
        raise ScriptError(f"there is no contract at the token's address {address} on chain {web3.eth.chain_id}")
    token = Token(web3, address)
    try:
        token.decimals()
    except ChainError as error:
        raise ScriptError(f"the contract at {address} is no ERC-20 token with decimals(): {error}") from error
    return token


def parse(text: str, decimals: int) -> int:
    """An amount a person typed, in whole tokens, as units."""
    try:
        amount = Decimal(text)
    except InvalidOperation:
        raise ScriptError(f"{text!r} is no amount of tokens, such as 100 or 0.25") from None
    if not amount.is_finite() or amount <= 0:
        raise ScriptError(f"the amount must be above zero, not {text}")
    return to_units("amount", amount, decimals)


def show(units: int, decimals: int) -> str:
    """`units` in whole tokens, without needless zeros."""
    text = f"{Decimal(units).scaleb(-decimals):,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def ensure_balance(token: Token, account: Any, amount: int, demo: bool) -> None:
    """See that `account` holds `amount`: a demo token is minted on a development chain, another must be there."""
    missing = amount - token.balance_of(account.address)
    if missing <= 0:
        return
    if demo and is_development():
        contract = bound(token.address, DemoToken.abi)
        if contract.owner() == account:
            contract.mint(account, missing, {"from": account})
            return
    decimals = token.decimals()
    raise ScriptError(
        f"{account.address} holds {show(token.balance_of(account.address), decimals)} {token.symbol()}, "
        f"{show(missing, decimals)} less than needed: send it some"
    )


def fund(token: Token, account: Any, coordinator: str, amount: int) -> str:
    """Add `amount` units of the account's tokens to the pool; the transaction's hash."""
    bound(token.address, "erc20").approve(coordinator, amount, {"from": account})
    return str(bound(coordinator, "coordinator").fund(amount, {"from": account}).txid)


def of(deployment: Deployment) -> Token:
    """The token of a deployed federation."""
    return reader(deployment.token)

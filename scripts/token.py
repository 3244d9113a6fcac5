"""A token for a federation on a test chain: worth nothing, and its owner makes as much as is asked for.

    brownie run token --network <name>                       make one; prints the line for the federation file
    brownie run token give 0xTOKEN 5000 0x… 0x… --network <name>   5,000 tokens for each account (its owner)

Elsewhere name a token that is worth something: `[money] token` in the federation file.
"""

from __future__ import annotations

from brownie import DemoToken
from fedprotocol.address import parse_address
from fedprotocol.chain.amounts import Amounts
from fedprotocol.chain.errors import translated
from fedprotocol.chain.read.token import Token
from fedprotocol.chains import known_chain

from scripts.lib.contracts import establish
from scripts.lib.network import ScriptError, client, command, is_development, sending


@command
def main() -> None:
    """Deploy a DemoToken that belongs to the sender."""
    chain = known_chain(client().eth.chain_id)
    if chain is not None and not chain.is_test and not is_development():
        raise ScriptError(f"a token that anybody can make is worth nothing on {chain.name}: name one that has a market")
    with sending() as sender:
        address, _ = establish(DemoToken, sender, sender.address)
    print(f'It belongs to {sender.address}. In the federation file:\n\n[money]\ntoken = "{address}"\n')
    print(f"brownie run token give {address} AMOUNT 0x… gives some to an account: to yourself for the pool, to sites")


@command
def give(token: str = "", amount: str = "", *accounts: str) -> None:
    """Make `amount` tokens for each account."""
    if not accounts:
        raise ScriptError("what to whom? brownie run token give 0xTOKEN 5000 0x… 0x…")
    address, *receivers = (_address(text) for text in (token, *accounts))
    with sending() as sender:
        found = Token(sender.web3, address)
        found.require(sender.address)
        amounts = Amounts.of(found)
        units = amounts.parse(amount)
        contract = sender.web3.eth.contract(address=found.address, abi=DemoToken.abi)
        with translated("the token's owner"):
            owner = contract.functions.owner().call()
        if owner != sender.address:
            raise ScriptError(f"only {owner} makes these tokens, and FED_ACCOUNT is {sender.address}")
        for account in receivers:
            sender.send(contract.functions.mint(account, units), f"tokens for {account}")
            print(f"{account} received {amounts(units)} and holds {amounts(found.balance_of(account))}")


def _address(text: str) -> str:
    try:
        return str(parse_address(text))
    except ValueError as error:
        raise ScriptError(f"the address {text!r} {error}") from None

"""A token for a federation on a test chain: worth nothing, and its owner makes as much as is asked for."""

from __future__ import annotations

from collections.abc import Sequence

from fedprotocol.chain.amounts import Amounts
from fedprotocol.chain.errors import translated
from fedprotocol.chain.read.token import Token
from fedprotocol.chains import known_chain
from fedprotocol.program.terminal import say
from web3.contract import Contract

from fednode.federation.establish import establish
from fednode.federation.named import account
from fednode.federation.network import Network, SponsorError


def make(network: Network) -> None:
    """Deploy a DemoToken that belongs to the sender. Raises SponsorError where tokens ought to be worth something."""
    chain = known_chain(network.chain_id)
    if chain is not None and not chain.is_test and not network.is_development:
        raise SponsorError(
            f"a token that anybody can make is worth nothing on {chain.name}: name one that has a market"
        )
    with network.sending() as sender:
        address, _ = establish(network.code("DemoToken"), sender, sender.address)
    say(f"It belongs to {sender.address}. In the federation file:", "", "[money]", f'token = "{address}"', "")
    give_some = network.command(f"token give {address} AMOUNT 0x…")
    say(f"{give_some} gives some to an account: to yourself for the pool, to sites")


def give(network: Network, token: str, amount: str, accounts: Sequence[str]) -> None:
    """Make `amount` tokens for each account. Raises SponsorError unless the sender owns the token."""
    if not accounts:
        raise SponsorError(f"what to whom? {network.command('token give 0xTOKEN 5000 0x… 0x…')}")
    address, *receivers = (account(text) for text in (token, *accounts))
    with network.sending() as sender:
        found = Token(sender.web3, address)
        found.require(sender.address)
        amounts = Amounts.of(found)
        units = amounts.parse(amount)
        contract = minter(network, found, sender.address)
        if contract is None:
            raise SponsorError(
                f"only {_owner(network, found)} makes these tokens, and your account is {sender.address}"
            )
        for receiver in receivers:
            sender.send(contract.functions.mint(receiver, units), f"tokens for {receiver}")
            say(f"{receiver} received {amounts(units)} and holds {amounts(found.balance_of(receiver))}")


def minter(network: Network, token: Token, owner: str) -> Contract | None:
    """The DemoToken at this address, if `owner` may mint it."""
    return _contract(network, token) if _owner(network, token) == owner else None


def _contract(network: Network, token: Token) -> Contract:
    return network.web3.eth.contract(address=token.address, abi=network.code("DemoToken").abi)


def _owner(network: Network, token: Token) -> str:
    with translated("the token's owner"):
        return str(_contract(network, token).functions.owner().call())

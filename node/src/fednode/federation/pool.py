"""A federation's pool, from which rounds are paid: adding to it, and what it lacks."""

from __future__ import annotations

from fedprotocol.chain.amounts import Amounts
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.token import Token
from fedprotocol.chain.send.sender import Sender
from fedprotocol.program.terminal import say

from fednode.federation.demo_token import minter
from fednode.federation.network import Network, SponsorError


def fund(network: Network, amount: str) -> None:
    """Add `amount` tokens to the pool; if it is empty, what the pool lacks for the rounds that are left.

    Raises AmountError, SponsorError, ChainError.
    """
    deployment, coordinator = network.current()
    amounts = Amounts.of(coordinator.token)
    units = amounts.parse(amount) if amount else shortage(coordinator)
    if units == 0:
        say("The pool pays for every round that is left: nothing to add")
        return
    with network.sending() as sender:
        ensure_balance(network, coordinator.token, sender, units, deployment.demo_token)
        pay_in(coordinator, sender, units)
    say(f"Added {amounts(units)}", f"The pool holds {amounts(coordinator.balances().pool)}")


def ensure_balance(network: Network, token: Token, sender: Sender, amount: int, demo: bool) -> None:
    """Make sure that the sender has `amount` units. On a development chain a `demo` token is minted; other tokens the
    sender must have. Raises SponsorError."""
    missing = amount - token.balance_of(sender.address)
    if missing <= 0:
        return
    if demo and network.is_development and (contract := minter(network, token, sender.address)) is not None:
        sender.send(contract.functions.mint(sender.address, missing), "mint demo tokens")
        return
    amounts = Amounts.of(token)
    raise SponsorError(
        f"{sender.address} holds {amounts(token.balance_of(sender.address))}, and "
        f"{amounts.needed(missing)} more are needed: send it some"
    )


def pay_in(coordinator: Coordinator, sender: Sender, amount: int) -> None:
    """Add `amount` units of the sender's tokens to the pool."""
    coordinator.token.ensure_allowance(sender, coordinator.address, amount)
    sender.send(coordinator.calls.fund(amount), "fund the pool")


def shortage(coordinator: Coordinator) -> int:
    """The token units that the pool lacks for the rounds that can still be opened."""
    config = coordinator.config()
    last = coordinator.last_opened()
    unsettled = sum(coordinator.round_view(n).settled_at == 0 for n in range(max(1, last - 1), last + 1))
    left = max(0, config.total_rounds - coordinator.final_count() - unsettled)
    return max(0, left * config.round_reward - coordinator.balances().pool)

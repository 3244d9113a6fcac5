"""Ether and tokens for accounts on development chains, where both cost nothing."""

from __future__ import annotations

from collections.abc import Sequence

from fedprotocol.chain.amounts import Amounts
from fedprotocol.chain.errors import ether
from fedprotocol.program.terminal import say

from fednode.federation import pool
from fednode.federation.named import accounts
from fednode.federation.network import Network, SponsorError

ETHER = 10 * 10**18  # wei
# this many times the larger of a stake and a bond, which is enough to join, to propose, and to propose beside others
STAKES = 10


def give(network: Network, addresses: Sequence[str]) -> None:
    """Give each address ether and tokens. Raises SponsorError."""
    if not network.is_development:
        raise SponsorError("the faucet works on development chains only, where ether and tokens cost nothing")
    receivers = accounts(addresses)
    deployment, coordinator = network.current()
    token, config, amounts = coordinator.token, coordinator.config(), Amounts.of(coordinator.token)
    amount = STAKES * max(config.min_stake, config.bond_base)
    with network.sending() as sender:
        pool.ensure_balance(network, token, sender, amount * len(receivers), deployment.demo_token)
        for address in receivers:
            sender.give(address, ETHER)
            sender.send(token.contract.functions.transfer(address, amount), f"tokens for {address}")
            say(f"{address} received {ether(ETHER)} ETH and {amounts(amount)}")

"""Pay into a federation's pool; on development chains, give accounts what they need to join.

brownie run fund --network <name>                 fill the pool up, so that every round left can be paid
brownie run fund main 250 --network <name>        add 250 tokens
brownie run fund faucet 0x… 0x… --network <name>  ether and tokens for accounts (development chains only)
"""

from __future__ import annotations

from fednode.federation import faucet as gifts
from fednode.federation import pool
from fednode.federation.network import Network

from scripts.lib.network import command


@command
def main(network: Network, amount: str = "") -> None:
    """Add `amount` tokens to the pool. Without an amount, add what the pool lacks for the rounds that are left."""
    pool.fund(network, amount)


@command
def faucet(network: Network, *addresses: str) -> None:
    """Give each address ether and tokens."""
    gifts.give(network, addresses)

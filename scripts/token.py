"""A token for a federation on a test chain: worth nothing, and its owner makes as much as is asked for.

    brownie run token --network <name>                       make one; prints the line for the federation file
    brownie run token give 0xTOKEN 5000 0x… 0x… --network <name>   5,000 tokens for each account (its owner)

Elsewhere name a token that is worth something: `[money] token` in the federation file.
"""

from __future__ import annotations

from fednode.federation import demo_token
from fednode.federation.network import Network

from scripts.lib.network import command


@command
def main(network: Network) -> None:
    """Deploy a DemoToken that belongs to the sender."""
    demo_token.make(network)


@command
def give(network: Network, token: str = "", amount: str = "", *accounts: str) -> None:
    """Make `amount` tokens for each account."""
    demo_token.give(network, token, amount, accounts)

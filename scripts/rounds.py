"""Look at a federation: its rounds, its participants, its money, what happened.

brownie run rounds --network <name>              overview
brownie run rounds show 3 --network <name>       one round: updates, proposals, events
brownie run rounds events --network <name>       every event since the deployment
brownie run rounds federations --network <name>  every federation of this chain; FED_COORDINATOR=0x… chooses one
"""

from __future__ import annotations

from fednode.federation import look
from fednode.federation.network import Network

from scripts.lib.network import command


@command
def main(network: Network) -> None:
    """Show the federation, its rounds, its participants and its balances."""
    look.overview(network)


@command
def show(network: Network, number: str = "") -> None:
    """Show round `number` in detail; without a number, the last round."""
    look.one_round(network, number)


@command
def events(network: Network) -> None:
    """Show every event since the deployment, decoded."""
    look.events(network)


@command
def federations(network: Network) -> None:
    """Every federation on this chain that `deployments/` knows."""
    look.federations(network)

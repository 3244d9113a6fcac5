"""Who takes part: see it, change the list, free seats.

    brownie run members --network <name>                       who holds a seat, and who could be dropped
    brownie run members allow 0x… 0x… --network <name>         put accounts on the list (its owner)
    brownie run members disallow 0x… --network <name>          take them off, and free their seats (its owner)
    brownie run members drop 0x… --network <name>              free the seat of a silent or refused account (anybody)
    brownie run members settle 0x… --network <name>            apply what an account is due, penalties too (anybody)

FED_COORDINATOR names a federation where several stand on the chain. Running nodes drop and settle silent accounts by
themselves.
"""

from __future__ import annotations

from fednode.federation import members
from fednode.federation.network import Network

from scripts.lib.network import command


@command
def main(network: Network) -> None:
    """Every seat."""
    members.show(network)


@command
def allow(network: Network, *addresses: str) -> None:
    """Put accounts on the list."""
    members.allow(network, addresses)


@command
def disallow(network: Network, *addresses: str) -> None:
    """Take accounts off the list and free the seats that they hold."""
    members.disallow(network, addresses)


@command
def drop(network: Network, *addresses: str) -> None:
    """Free the seats of accounts that are silent, or that the gate no longer admits."""
    members.drop(network, addresses)


@command
def settle(network: Network, *addresses: str) -> None:
    """Book rewards, penalties and bonds of accounts."""
    members.settle(network, addresses)

"""End a federation: no further round opens, and what is free in the pool goes back to the sponsor.

    brownie run close --network <name>         what it would do; nothing is sent
    brownie run close now --network <name>     do it (the sponsor)

A round that is open goes on and is paid. What comes back to the pool later is taken with the same command again.
"""

from __future__ import annotations

from fednode.federation import close
from fednode.federation.network import Network

from scripts.lib.network import command


@command
def main(network: Network) -> None:
    """What closing would do."""
    close.preview(network)


@command
def now(network: Network) -> None:
    """Close it, and take back what is free."""
    close.close(network)

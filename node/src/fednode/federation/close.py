"""The end of a federation: no further round opens, and what is free in the pool goes back to the sponsor."""

from __future__ import annotations

from fedprotocol.chain.amounts import Amounts
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.program.terminal import say

from fednode.federation.network import Network, SponsorError


def preview(network: Network) -> None:
    """Say what closing would do."""
    _, coordinator = network.current()
    held, amounts, close_now = coordinator.balances(), Amounts.of(coordinator.token), network.command("close now")
    say(
        f"The pool holds {amounts(held.pool)} that is free, and {amounts(held.reserved)} are reserved for open rounds",
        f"Final are {coordinator.final_count()} of {coordinator.config().total_rounds} rounds",
    )
    if coordinator.is_closed():
        say(f"It is closed already; {close_now} takes back what has come into the pool since")
        return
    say(
        "Closing cannot be undone: no further round opens, nobody can join or fund it. A round that is open goes on "
        "and is paid; stakes, rewards and bonds stay with those who own them",
        f"To do it: {close_now}, as {coordinator.config().sponsor}",
    )


def close(network: Network) -> None:
    """Close it, and take back what is free. Raises SponsorError unless the sender is the sponsor."""
    _, coordinator = network.current()
    amounts, sponsor = Amounts.of(coordinator.token), coordinator.config().sponsor
    with network.sending() as sender:
        if sender.address != sponsor:
            raise SponsorError(f"only the sponsor {sponsor} may close it, and your account is {sender.address}")
        was_closed, before = coordinator.is_closed(), coordinator.token.balance_of(sponsor)
        sender.send(coordinator.calls.close(), "close the federation")
        if coordinator.owed(sponsor):
            sender.send(coordinator.calls.claim(), "take back what is free")
    taken = coordinator.token.balance_of(sponsor) - before
    say(f"The federation {'was closed before' if was_closed else 'is closed: no further round opens'}")
    say(f"{sponsor} received {amounts(taken)}")
    _say_what_is_left(network, coordinator, amounts)


def _say_what_is_left(network: Network, coordinator: Coordinator, amounts: Amounts) -> None:
    reserved = coordinator.balances().reserved
    if reserved:
        say(
            f"{amounts(reserved)} are reserved for rounds that are open: what of it comes back to the pool is taken "
            f"with {network.command('close now')} once they are over"
        )

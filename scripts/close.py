"""End a federation: no further round opens, and what is free in the pool goes back to the sponsor.

    brownie run close --network <name>         what it would do; nothing is sent
    brownie run close now --network <name>     do it (the sponsor)

A round that is open goes on and is paid. What comes back to the pool later is taken with the same command again.
"""

from __future__ import annotations

from fedprotocol.chain.amounts import Amounts
from fedprotocol.chain.read.coordinator import Coordinator

from scripts.lib.network import ScriptError, command, current, sending


@command
def main() -> None:
    """What closing would do."""
    _, coordinator = current()
    held, amounts = coordinator.balances(), Amounts.of(coordinator.token)
    print(
        f"The pool holds {amounts(held.pool)} that is free, and {amounts(held.reserved)} are reserved for open rounds"
    )
    print(f"Final are {coordinator.final_count()} of {coordinator.config().total_rounds} rounds")
    if coordinator.is_closed():
        print("It is closed already; `brownie run close now` takes back what has come into the pool since")
        return
    print(
        "Closing cannot be undone: no further round opens, nobody can join or fund it. A round that is open goes on "
        "and is paid; stakes, rewards and bonds stay with those who own them\n"
        f"To do it: brownie run close now, as {coordinator.config().sponsor}"
    )


@command
def now() -> None:
    """Close it, and take back what is free."""
    _, coordinator = current()
    amounts, sponsor = Amounts.of(coordinator.token), coordinator.config().sponsor
    with sending() as sender:
        if sender.address != sponsor:
            raise ScriptError(f"only the sponsor {sponsor} may close it, and FED_ACCOUNT is {sender.address}")
        was_closed, before = coordinator.is_closed(), coordinator.token.balance_of(sponsor)
        sender.send(coordinator.calls.close(), "close the federation")
        if coordinator.owed(sponsor):
            sender.send(coordinator.calls.claim(), "take back what is free")
    taken = coordinator.token.balance_of(sponsor) - before
    print(f"The federation {'was closed before' if was_closed else 'is closed: no further round opens'}")
    print(f"{sponsor} received {amounts(taken)}")
    _say_what_is_left(coordinator, amounts)


def _say_what_is_left(coordinator: Coordinator, amounts: Amounts) -> None:
    reserved = coordinator.balances().reserved
    if reserved:
        print(
            f"{amounts(reserved)} are reserved for rounds that are open: what of it comes back to the pool is taken "
            "with `brownie run close now` once they are over"
        )

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

from fedprotocol.address import parse_address
from fedprotocol.chain.amounts import Amounts
from fedprotocol.chain.errors import ContractReverted
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.types import Seat

from scripts.lib import tables
from scripts.lib.gate import Members
from scripts.lib.network import ScriptError, command, current, sending


@command
def main() -> None:
    """Every seat."""
    deployment, coordinator = current()
    tables.show(tables.seats(deployment, coordinator, Amounts.of(coordinator.token)))
    try:
        gate = Members(coordinator)
    except ScriptError as why:
        print(f"\n{why}")
        return
    print(f"\nThe list is {gate.address}; only {gate.owner()} may change it")


@command
def allow(*addresses: str) -> None:
    """Put accounts on the list."""
    accounts, (_, coordinator) = _accounts(addresses), current()
    gate = Members(coordinator)
    new = [account for account in accounts if not gate.is_listed(account)]
    if new:
        with sending() as sender:
            gate.change(sender, new, listed=True)
    for account in accounts:
        print(f"{account} is on the list{'' if account in new else ' already'}: it may take a seat with `fednode join`")


@command
def disallow(*addresses: str) -> None:
    """Take accounts off the list and free the seats that they hold."""
    accounts, (_, coordinator) = _accounts(addresses), current()
    gate = Members(coordinator)
    listed, seated = [a for a in accounts if gate.is_listed(a)], set(coordinator.clients())
    with sending() as sender:
        if listed:
            gate.change(sender, listed, listed=False)
        for account in accounts:
            print(f"{account} is off the list: it cannot take a seat")
            if account in seated:
                sender.send(coordinator.calls.drop(account), f"drop {account}")
                _say_dropped(coordinator, account)


@command
def drop(*addresses: str) -> None:
    """Free the seats of accounts that are silent, or that the gate no longer admits."""
    accounts, (_, coordinator) = _accounts(addresses), current()
    refused = []
    with sending() as sender:
        for account in accounts:
            try:
                sender.send(coordinator.calls.drop(account), f"drop {account}")
            except ContractReverted as error:
                refused.append(_why_kept(coordinator, account, error))
            else:
                _say_dropped(coordinator, account)
    if refused:
        raise ScriptError("\n".join(refused))


@command
def settle(*addresses: str) -> None:
    """Book rewards, penalties and bonds of accounts."""
    accounts, (_, coordinator) = _accounts(addresses), current()
    amounts = Amounts.of(coordinator.token)
    with sending() as sender:
        for account in accounts:
            before = coordinator.seat(account)
            sender.send(coordinator.calls.settle(account), f"settle {account}")
            after, owed = coordinator.seat(account), amounts(coordinator.owed(account))
            lost = f"; penalties took {amounts(before.stake - after.stake)}" if after.stake < before.stake else ""
            print(f"{account} is settled: it may claim {owed}, its stake is {amounts(after.stake)}{lost}")
            if _is_suspended(after, coordinator):
                print("  it is suspended: rounds do not wait for it until it adds stake")


def _accounts(addresses: tuple[str, ...]) -> list[str]:
    if not addresses:
        raise ScriptError("which accounts? Write their addresses after the command: 0x… 0x…")
    accounts = []
    for address in addresses:
        try:
            accounts.append(parse_address(address))
        except ValueError as error:
            raise ScriptError(f"the address {address!r} {error}") from None
    return list(dict.fromkeys(accounts))


def _say_dropped(coordinator: Coordinator, account: str) -> None:
    seat, amounts = coordinator.seat(account), Amounts.of(coordinator.token)
    print(
        f"  its seat is free from round {seat.active_until} on. Its stake of {amounts(seat.stake)} stays its own: "
        "`fednode exit` on its machine takes it back once its rounds are settled"
    )


def _why_kept(coordinator: Coordinator, account: str, error: ContractReverted) -> str:
    if error.name != "NotDroppable":
        return str(error)
    last = coordinator.seat(account).last_commit
    committed = f"it committed in round {last}" if last else "it has not committed yet"
    return (
        f"{account} keeps its seat: the gate admits it, and {committed}. A seat is freed once its account has missed "
        "the last two final rounds and every round since; a sponsor takes it off the list with `members disallow`"
    )


def _is_suspended(seat: Seat, coordinator: Coordinator) -> bool:
    return not seat.exited and 0 < seat.active_until <= coordinator.last_opened() + 1

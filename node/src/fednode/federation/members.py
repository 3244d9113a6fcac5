"""Who takes part: see it, change the list, free seats."""

from __future__ import annotations

from collections.abc import Sequence

from fedaggregator.cli.table import show as show_tables
from fedprotocol.chain.amounts import Amounts
from fedprotocol.chain.errors import ContractReverted
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.program.terminal import say
from fedprotocol.types import Seat

from fednode.federation import tables
from fednode.federation.member_list import MemberList
from fednode.federation.named import accounts
from fednode.federation.network import Network, SponsorError


def show(network: Network) -> None:
    """Show every seat, and whose list it is."""
    deployment, coordinator = network.current()
    show_tables(tables.seats(deployment, coordinator, Amounts.of(coordinator.token)))
    try:
        gate = MemberList(network, coordinator)
    except SponsorError as why:
        say("", str(why))
        return
    say("", f"The list is {gate.address}; only {gate.owner()} may change it")


def allow(network: Network, addresses: Sequence[str]) -> None:
    """Put accounts on the list. Raises SponsorError unless the sender owns it."""
    asked, (_, coordinator) = accounts(addresses), network.current()
    gate = MemberList(network, coordinator)
    new = [account for account in asked if not gate.is_listed(account)]
    if new:
        with network.sending() as sender:
            gate.change(sender, new, listed=True)
    for account in asked:
        say(f"{account} is on the list{'' if account in new else ' already'}: it may take a seat with `fednode join`")


def disallow(network: Network, addresses: Sequence[str]) -> None:
    """Take accounts off the list and free the seats that they hold. Raises SponsorError unless the sender owns it."""
    asked, (_, coordinator) = accounts(addresses), network.current()
    gate = MemberList(network, coordinator)
    listed, seated = [a for a in asked if gate.is_listed(a)], set(coordinator.clients())
    with network.sending() as sender:
        if listed:
            gate.change(sender, listed, listed=False)
        for account in asked:
            say(f"{account} is off the list: it cannot take a seat")
            if account in seated:
                sender.send(coordinator.calls.drop(account), f"drop {account}")
                _say_dropped(coordinator, account)


def drop(network: Network, addresses: Sequence[str]) -> None:
    """Free the seats of accounts that are silent, or that the gate no longer admits. Raises SponsorError for those that
    keep theirs."""
    asked, (_, coordinator) = accounts(addresses), network.current()
    refused = []
    with network.sending() as sender:
        for account in asked:
            try:
                sender.send(coordinator.calls.drop(account), f"drop {account}")
            except ContractReverted as error:
                refused.append(_why_kept(network, coordinator, account, error))
            else:
                _say_dropped(coordinator, account)
    if refused:
        raise SponsorError("\n".join(refused))


def settle(network: Network, addresses: Sequence[str]) -> None:
    """Book rewards, penalties and bonds of accounts."""
    asked, (_, coordinator) = accounts(addresses), network.current()
    amounts = Amounts.of(coordinator.token)
    with network.sending() as sender:
        for account in asked:
            before = coordinator.seat(account)
            sender.send(coordinator.calls.settle(account), f"settle {account}")
            after, owed = coordinator.seat(account), amounts(coordinator.owed(account))
            lost = f"; penalties took {amounts(before.stake - after.stake)}" if after.stake < before.stake else ""
            say(f"{account} is settled: it may claim {owed}, its stake is {amounts(after.stake)}{lost}")
            if _is_suspended(after, coordinator):
                say("  it is suspended: rounds do not wait for it until it adds stake")


def _say_dropped(coordinator: Coordinator, account: str) -> None:
    seat, amounts = coordinator.seat(account), Amounts.of(coordinator.token)
    say(
        f"  its seat is free from round {seat.active_until} on. Its stake of {amounts(seat.stake)} stays its own: "
        "`fednode exit` on its machine takes it back once its rounds are settled"
    )


def _why_kept(network: Network, coordinator: Coordinator, account: str, error: ContractReverted) -> str:
    if error.name != "NotDroppable":
        return str(error)
    last = coordinator.seat(account).last_commit
    committed = f"it committed in round {last}" if last else "it has not committed yet"
    return (
        f"{account} keeps its seat: the gate admits it, and {committed}. A seat is freed once its account has missed "
        "the last two final rounds and every round since; a sponsor takes it off the list with "
        f"{network.command('members disallow')}"
    )


def _is_suspended(seat: Seat, coordinator: Coordinator) -> bool:
    return not seat.exited and 0 < seat.active_until <= coordinator.last_opened() + 1

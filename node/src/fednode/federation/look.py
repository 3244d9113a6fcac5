"""Looking at a federation: its rounds, its participants, its money, what happened."""

from __future__ import annotations

from collections.abc import Iterator

from fedaggregator.cli.table import show as show_tables
from fedprotocol.chain.amounts import Amounts
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.event_index import EventIndex
from fedprotocol.chain.read.events import Event
from fedprotocol.deployment.record import Deployment, deployments

from fednode.federation import tables
from fednode.federation.network import Network, SponsorError


def overview(network: Network) -> None:
    """Show the federation, its rounds, its participants and its balances."""
    deployment, coordinator = network.current()
    money = Amounts.of(coordinator.token)
    history = _history(network, deployment, coordinator)
    show_tables(
        tables.federation(deployment, coordinator, money),
        tables.rounds(coordinator),
        tables.participants(coordinator, history, money),
        tables.balances(coordinator, money),
    )


def one_round(network: Network, number: str) -> None:
    """Show round `number` in detail; if it is empty, the last round. Raises SponsorError."""
    deployment, coordinator = network.current()
    last = coordinator.last_opened()
    if number and not number.isdecimal():
        raise SponsorError(f"{number!r} is no number of a round")
    n = int(number) if number else last
    if not 1 <= n <= last:
        raise SponsorError(f"there is no round {n}: " + (f"1 to {last} were opened" if last else "none was opened yet"))
    money = Amounts.of(coordinator.token)
    history = _history(network, deployment, coordinator)
    show_tables(
        tables.round_facts(coordinator, n),
        tables.updates(coordinator, n),
        tables.proposals(coordinator, n, money),
        tables.events((e for e in history if e.args.get("round") == n), money),
    )


def events(network: Network) -> None:
    """Show every event since the deployment, decoded."""
    deployment, coordinator = network.current()
    history = _history(network, deployment, coordinator)
    show_tables(tables.events(history, Amounts.of(coordinator.token)))


def federations(network: Network) -> None:
    """Show every federation of this chain that has a record."""
    known = deployments(network.records, network.chain_id)
    show_tables(tables.federations((one, network.connect(one.coordinator)) for one in known))


def _history(network: Network, deployment: Deployment, coordinator: Coordinator) -> Iterator[Event]:
    """Every event since the deployment. Events that an earlier run has read are not read again."""
    path = network.cache / f"events-{deployment.chain_id}-{deployment.coordinator}.sqlite"
    with EventIndex(coordinator, path, lambda: deployment.block) as index:
        index.sync()
        yield from index.stream()

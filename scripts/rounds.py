"""Look at a federation: its rounds, its participants, its money, what happened.

brownie run rounds --network <name>              overview
brownie run rounds show 3 --network <name>       one round: updates, proposals, events
brownie run rounds events --network <name>       every event since the deployment
brownie run rounds federations --network <name>  every federation of this chain; FED_COORDINATOR=0x… chooses one
"""

from __future__ import annotations

from collections.abc import Iterator

from fedprotocol.chain.amounts import Amounts
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.event_index import EventIndex
from fedprotocol.chain.read.events import Event
from fedprotocol.deployment.record import Deployment, deployments

from scripts.lib import tables
from scripts.lib.network import CACHE, ScriptError, client, command, current, deployments_dir, endpoint


@command
def main() -> None:
    """Show the federation, its rounds, its participants and its balances."""
    deployment, coordinator = current()
    money = Amounts.of(coordinator.token)
    history = _history(deployment, coordinator)
    tables.show(
        tables.federation(deployment, coordinator, money),
        tables.rounds(coordinator),
        tables.participants(coordinator, history, money),
        tables.balances(coordinator, money),
    )


@command
def show(number: str = "") -> None:
    """Show round `number` in detail; without a number, the last round."""
    deployment, coordinator = current()
    last = coordinator.last_opened()
    if number and not number.isdecimal():
        raise ScriptError(f"{number!r} is no number of a round")
    n = int(number) if number else last
    if not 1 <= n <= last:
        raise ScriptError(f"there is no round {n}: " + (f"1 to {last} were opened" if last else "none was opened yet"))
    money = Amounts.of(coordinator.token)
    history = _history(deployment, coordinator)
    tables.show(
        tables.round_facts(coordinator, n),
        tables.updates(coordinator, n),
        tables.proposals(coordinator, n, money),
        tables.events((e for e in history if e.args.get("round") == n), money),
    )


@command
def events() -> None:
    """Show every event since the deployment, decoded."""
    deployment, coordinator = current()
    history = _history(deployment, coordinator)
    tables.show(tables.events(history, Amounts.of(coordinator.token)))


@command
def federations() -> None:
    """Every federation on this chain that `deployments/` knows."""
    chain_id = client().eth.chain_id
    known = deployments(deployments_dir(), chain_id)
    tables.show(tables.federations((one, Coordinator.connect(endpoint(), one.coordinator, chain_id)) for one in known))


def _history(deployment: Deployment, coordinator: Coordinator) -> Iterator[Event]:
    """Every event since the deployment. Events that an earlier run has read are not read again."""
    path = CACHE / f"events-{deployment.chain_id}-{deployment.coordinator}.sqlite"
    with EventIndex(coordinator, path, lambda: deployment.block) as index:
        index.sync()
        yield from index.stream()

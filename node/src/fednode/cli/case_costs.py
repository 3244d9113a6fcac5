"""What the calls of a case would cost now, as JSON and in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fedaggregator.disputes.leaf_case import LeafCase

    from fednode.session import Session


def costs_of(session: Session, case: LeafCase) -> dict[str, Any]:
    """The calls that are missing and their gas, and the price of gas in wei. A price that the chain's node does not say
    is null, which stops nothing."""
    from dataclasses import asdict

    from fedaggregator.disputes.convict import CallCost, simulate
    from fedprotocol.chain.errors import translated
    from fedprotocol.chain.send.gas import advisory

    costs: list[CallCost] = []
    price = None
    with advisory("cost of the case"):
        costs = simulate(session.coordinator, session.address, case)
    with advisory("eth_gasPrice"), translated("eth_gasPrice"):
        price = int(session.coordinator.web3.eth.gas_price)
    return {"calls": [asdict(cost) for cost in costs], "gas": sum(cost.gas for cost in costs), "gas_price": price}


def cost_lines(entry: Mapping[str, Any], gain: str) -> list[str]:
    """A line for each call in `entry`, and one for all of them, which ends in what they bring."""
    from fedprotocol.chain.errors import ether

    lines = []
    for call in entry["calls"]:
        name, updates = call["name"], f"updates {call['start']} to {call['stop']}"
        lines.append(f"  {name:<10}{updates:<20}{call['calldata']:>8,} bytes{call['gas']:>12,} gas")
    price = entry["gas_price"]
    cost = f"{ether(entry['gas'] * price, up=True)} ETH" if price is not None else "what gas costs"
    return [*lines, f"  costs about {cost} now, {gain}"]

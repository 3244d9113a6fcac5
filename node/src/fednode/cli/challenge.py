"""`fednode challenge`: convict wrong proposals by hand, or see what it would cost."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from fedaggregator.cli.shared_options import JsonOption
from fedprotocol.program.terminal import say

from fednode.cli.common import DEFAULT_CONFIG, ConfigOption, open_session, print_json

if TYPE_CHECKING:
    from fedaggregator.disputes.evidence import Examined

    from fednode.session import Session


def challenge(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show the calls that a conviction takes and what they would cost.")
    ] = False,
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Recompute every proposal that may still win, convict those that are wrong, and collect half of their bonds.

    A running node does this by itself. Stop the node first; with --dry-run it may keep running.
    """
    from fedaggregator.disputes.evidence import examine
    from fedprotocol.chain.read.trust import require_known
    from fedprotocol.types import Phase

    found: list[dict[str, Any]] = []
    with open_session(config) as session:
        if not dry_run:
            require_known(session.coordinator, session.config.chain)
            _ = session.sender  # a running node is noticed before anything is fetched
        session.config.home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=session.config.home, prefix="challenge-") as scratch:
            for state in session.snapshot().rounds:
                if state.view.phase is not Phase.CHALLENGE:
                    continue
                for examined in examine(session.events, session.store, state, Path(scratch)):
                    entry = _described(session, state.number, examined)
                    if examined.case is not None and not dry_run:
                        entry |= _convict(session, examined)
                    found.append(entry)
                    if not as_json:
                        say(*_lines(session, examined, entry, dry_run))
    if as_json:
        print_json(found)
    elif not found:
        say("no proposal stands in an open window")


def _described(session: Session, number: int, examined: Examined) -> dict[str, Any]:
    """The result as JSON. Amounts are in token units, prices in wei. If the chain's node does not say a cost, it is
    null, which stops nothing."""
    from dataclasses import asdict

    from fedaggregator.disputes.convict import CallCost, simulate
    from fedaggregator.disputes.judge import Right, Wrong
    from fedprotocol.chain.errors import translated
    from fedprotocol.chain.send.gas import advisory

    proposal, case = examined.proposal, examined.case
    entry: dict[str, Any] = {
        "round": number,
        "root": "0x" + proposal.root.hex(),
        "proposer": proposal.proposer,
        "right": isinstance(examined.verdict, Right),
        "why": examined.verdict.unreadable if isinstance(examined.verdict, Wrong) else "",
    }
    if case is None:
        return entry
    coordinator = session.coordinator
    costs: list[CallCost] = []
    price = None
    with advisory("cost of the case"):
        costs = simulate(coordinator, session.address, case)
    with advisory("eth_gasPrice"), translated("eth_gasPrice"):
        price = int(coordinator.web3.eth.gas_price)
    return entry | {
        "leaf": case.wrong.leaf,
        "expected": "0x" + case.wrong.expected.hex(),
        "claimed": "0x" + case.wrong.claimed.hex(),
        "calls": [asdict(cost) for cost in costs],
        "gas": sum(cost.gas for cost in costs),
        "gas_price": price,
        "bounty": proposal.bond // 2,
    }


def _convict(session: Session, examined: Examined) -> dict[str, Any]:
    from fedaggregator.disputes.convict import convict

    assert examined.case is not None  # noqa: S101 - the caller looked
    conviction = convict(session.coordinator, session.sender, examined.case)
    if not conviction.convicted:
        return {"convicted": False, "gas_used": conviction.gas, "received": 0}
    token, account = session.coordinator.token, session.address
    before = token.balance_of(account)
    session.sender.send(session.coordinator.calls.claim(), "claim")
    return {"convicted": True, "gas_used": conviction.gas, "received": token.balance_of(account) - before}


def _lines(session: Session, examined: Examined, entry: dict[str, Any], dry_run: bool) -> list[str]:
    from fedprotocol.chain.errors import ether
    from fedprotocol.tree import cid

    proposal = examined.proposal
    lines = [f"round {entry['round']}: {cid(proposal.root)} of {proposal.proposer} {examined.verdict}"]
    if examined.case is None:
        return lines
    for call in entry["calls"]:
        name, updates = call["name"], f"updates {call['start']} to {call['stop']}"
        lines.append(f"  {name:<10}{updates:<20}{call['calldata']:>8,} bytes{call['gas']:>12,} gas")
    price = entry["gas_price"]
    cost = f"{ether(entry['gas'] * price, up=True)} ETH" if price is not None else "what gas costs"
    lines.append(f"  costs about {cost} now, the bounty is {session.amounts(entry['bounty'])}")
    if dry_run:
        lines.append("  dry run: nothing was sent")
    elif entry["convicted"]:
        lines.append(f"  CONVICTED with {entry['gas_used']:,} gas; received {session.amounts(entry['received'])}")
    else:
        lines.append("  not live any more: somebody else convicted it, or its window is over")
    return lines

"""What the chain says about a federation, as tables for people."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any

from fedaggregator.cli.table import Facts, Table
from fedprotocol.chain.amounts import Amounts
from fedprotocol.chain.errors import ether
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.events import Event
from fedprotocol.deployment.record import Deployment
from fedprotocol.tree import cid
from fedprotocol.types import Phase
from web3 import Web3

from fednode.federation.columns import EVENT, FEDERATION, PARTICIPANT, PROPOSAL, ROUND, SEAT, UPDATE

MONEY_ARGS = {
    "amount",
    "stake",
    "bond",
    "bounty",
    "reserved",
    "returned_to_sponsor",
    "returned_to_pool",
    "aggregator_reward",
    "client_rewards",
}
TIME_ARGS = {"at", "train_end", "window_end"}
LOSS_ARGS = {"loss_before", "loss_after"}  # unit 1e-6


def federation(deployment: Deployment, coordinator: Coordinator, money: Amounts) -> Facts:
    """The federation, and how many rounds it has finished."""
    config = coordinator.config()
    number, root = coordinator.latest_final()
    return Facts(
        f"Federation {deployment.name}",
        {
            "coordinator": f"{coordinator.address} on chain {coordinator.chain_id}, since block {deployment.block}",
            "token": f"{config.token} ({money.symbol})",
            "rounds": f"{coordinator.final_count()} of {config.total_rounds} final, {coordinator.last_opened()} opened"
            + (", closed by the sponsor" if coordinator.is_closed() else ""),
            "latest global": f"{cid(root)} ({f'round {number}' if number else 'genesis'})",
            "clients": f"{len(coordinator.clients())} seated, {coordinator.active_count()} active next round, "
            f"{config.min_clients} needed, {config.max_clients} at most",
            "a round pays": f"{money(config.round_reward)}, {config.aggregator_bps / 100:g} % of it to the aggregator",
            "stake": f"at least {money(config.min_stake)}, {money(config.stake_per_example)} an example; "
            f"penalty {money(config.penalty)}, bond {money(config.bond_base)}",
        },
    )


def rounds(coordinator: Coordinator) -> Table:
    """A table with a line for each round."""
    rows = []
    for n in range(1, coordinator.last_opened() + 1):
        view = coordinator.round_view(n)
        phase = _name(view.phase) + (f": {_name(view.void_reason)}" if view.phase is Phase.VOID else "")
        until = _time(view.settled_at) if view.phase.settled else _time(view.phase_end) if view.phase_end else "–"
        committed = f"{view.committed}" + (f" ({view.matching} matching)" if view.matching != view.committed else "")
        rows.append(
            (
                str(n),
                phase + (f", {view.convicted} convicted" if view.convicted else ""),
                until,
                str(view.active),
                committed,
                str(view.revealed),
                str(view.attested),
                str(view.accepted_mask.bit_count()),
                cid(view.global_root) if any(view.global_root) else "–",
            )
        )
    return Table(ROUND, rows, "Rounds")


def participants(coordinator: Coordinator, history: Iterable[Event], money: Amounts) -> Table:
    """Everybody who ever took part, with their stakes and what they earned."""
    earned: dict[str, int] = {}
    lost: dict[str, int] = {}
    known: dict[str, None] = {}
    for event in history:
        for role in ("client", "aggregator", "proposer"):
            if role in event.args:
                known.setdefault(event.args[role])
        if event.name == "Rewarded":
            _count(earned, event.args["client"], event.args["amount"])
        elif event.name == "RoundFinalized":
            _count(earned, event.args["aggregator"], event.args["aggregator_reward"])
        elif event.name == "Penalized":
            _count(lost, event.args["client"], event.args["amount"])
    seated = set(coordinator.clients())
    rows = []
    for account in known:
        seat = coordinator.seat(account)
        active = seat.active_in(coordinator.last_opened() + 1)
        rows.append(
            (
                account,
                "active" if active and account in seated else "seated, not active" if account in seated else "none",
                money(seat.stake),
                money(earned.get(account, 0)),
                money(lost.get(account, 0)),
                money(coordinator.owed(account)),
                money(coordinator.token.balance_of(account)),
                ether(coordinator.web3.eth.get_balance(Web3.to_checksum_address(account))),
            )
        )
    return Table(PARTICIPANT, rows, "Participants")


def seats(deployment: Deployment, coordinator: Coordinator, money: Amounts) -> Table:
    """Everybody who holds a seat, and what anybody may do about it."""
    droppable, indebted = coordinator.silent()
    coming = coordinator.last_opened() + 1
    rows = []
    for account in sorted(coordinator.clients()):
        seat = coordinator.seat(account)
        state = "active" if seat.active_in(coming) else "suspended" if seat.active_until <= coming else "not yet"
        remark = "may be dropped" if account in droppable else "owes penalties" if account in indebted else "–"
        last = f"round {seat.last_commit}" if seat.last_commit else "–"
        rows.append((account, f"{state}, since round {seat.active_from}", money(seat.stake), last, remark))
    return Table(SEAT, rows, f"Seats of {deployment.name}")


def federations(found: Iterable[tuple[Deployment, Coordinator]]) -> Table:
    """One line each."""
    rows = []
    for deployment, coordinator in found:
        final, total = coordinator.final_count(), coordinator.config().total_rounds
        state = "complete" if final >= total else "closed" if coordinator.is_closed() else "open"
        pool = Amounts.of(coordinator.token)(coordinator.balances().pool)
        when = _time(deployment.time)
        rows.append((deployment.coordinator, deployment.name, when, f"{final} of {total}", pool, state))
    return Table(FEDERATION, rows, "Federations")


def balances(coordinator: Coordinator, money: Amounts) -> Facts:
    """How the coordinator's tokens are divided: stakes, bonds, what is owed, the pool."""
    held = coordinator.balances()
    facts = {name: money(getattr(held, name)) for name in ("pool", "reserved", "stakes", "bonds", "owed", "burned")}
    return Facts("Balances", facts | {"in the contract": money(coordinator.token.balance_of(coordinator.address))})


def round_facts(coordinator: Coordinator, n: int) -> Facts:
    """A table about the whole round."""
    view = coordinator.round_view(n)
    facts = {
        "phase": _name(view.phase) + (f": {_name(view.void_reason)}" if view.phase is Phase.VOID else ""),
        "opened": _time(view.opened_at),
        "this phase": f"since {_time(view.phase_start)}, "
        + (f"until {_time(view.phase_end)}" if view.phase_end else "no deadline"),
        "prior": cid(view.prior_root) if any(view.prior_root) else "not known yet",
        "global": cid(view.global_root) if any(view.global_root) else "–",
        "clients": f"{view.active} active, {view.committed} committed, {view.matching} matching, "
        f"{view.revealed} revealed, {view.attested} attested",
        "weight": f"{view.total_weight:,}",
    }
    return Facts(f"Round {n}", facts | ({"aggregator": view.aggregator} if view.phase is Phase.FINAL else {}))


def updates(coordinator: Coordinator, n: int) -> Table:
    """The revealed updates by index."""
    view = coordinator.round_view(n)
    decided = view.phase not in (Phase.REVEAL, Phase.ATTEST)
    rows = []
    for index, update in enumerate(coordinator.updates(n)):
        accepted = _yes(view.accepted_mask >> index & 1 == 1) if decided else "–"
        share = f"{update.yes / view.total_weight:.0%}"
        rows.append(
            (
                str(index),
                update.client,
                f"{update.weight:,}",
                share,
                _yes(update.attested),
                accepted,
                cid(update.root),
            )
        )
    return Table(UPDATE, rows, "Updates")


def proposals(coordinator: Coordinator, n: int, money: Amounts) -> Table:
    """The live proposals, oldest first."""
    rows = [(p.proposer, _time(p.completed_at), money(p.bond), cid(p.root)) for p in coordinator.proposals(n)]
    return Table(PROPOSAL, rows, "Live proposals")


def events(history: Iterable[Event], money: Amounts) -> Table:
    """A line for each event."""
    rows = []
    for event in history:
        what = ", ".join(f"{name} {_value(name, value, money)}" for name, value in event.args.items())
        rows.append((_time(event.time), str(event.block), event.name, what))
    return Table(EVENT, rows, "Events")


def _value(name: str, value: Any, money: Amounts) -> str:
    if name in MONEY_ARGS:
        return money(value)
    if name in TIME_ARGS:
        return _time(value)
    if name in LOSS_ARGS:
        return f"{value / 1e6:.4f}"
    if name == "bitmap":
        return f"{value:b}"
    if isinstance(value, list | tuple):
        return f"({len(value)} of them)"
    if isinstance(value, IntEnum):
        return _name(value)
    if isinstance(value, bytes):
        return cid(value) if name in ("root", "prior_root") else f"0x{value.hex()}"
    return str(value)


def _count(sums: dict[str, int], account: str, amount: int) -> None:
    sums[account] = sums.get(account, 0) + amount


def _name(value: IntEnum) -> str:
    return value.name.lower().replace("_", " ")


def _time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _yes(value: bool) -> str:
    return "yes" if value else "no"

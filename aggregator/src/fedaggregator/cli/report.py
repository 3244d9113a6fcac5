"""What `fedaggregator status` shows: the chain's state and what the daemon says of itself."""

from __future__ import annotations

import time
from typing import Any

from fedprotocol.chain.amounts import Amounts
from fedprotocol.chain.errors import ether
from fedprotocol.chain.read.snapshot import RoundState, Snapshot
from fedprotocol.monitor.last_seen import Look
from fedprotocol.program.status import problem_lines
from fedprotocol.quantities import duration
from fedprotocol.tree import cid

from fedaggregator.daemon.status import Status


def as_document(found: Look, last_status: Status | None) -> dict[str, Any]:
    """The report for `--json`."""
    document = {
        "running": last_status is not None and last_status.is_running,
        "daemon": last_status.model_dump() if last_status else None,
        "chain_problem": found.problem,
    }
    if found.seen is None:
        return document
    snapshot = found.seen.chain
    return document | {
        "chain_age_seconds": round(found.seen.age(), 1) if found.problem else 0.0,
        "account": snapshot.account,
        "wei": snapshot.eth,
        "tokens": snapshot.tokens,
        "owed": snapshot.settled_owed,
        "final_rounds": snapshot.final_count,
        "total_rounds": snapshot.config.total_rounds,
        "rounds": [_round(state) for state in snapshot.rounds],
    }


def as_text(found: Look, last_status: Status | None) -> list[str]:
    """The report for people, line by line."""
    lines = []
    if found.problem:
        old = "" if found.seen is None else f"; what follows was read {duration(found.seen.age())} ago"
        lines.append(f"chain     it cannot be read now: {found.problem}{old}")
    if found.seen is not None:
        lines += _chain(found.seen.chain, found.seen.amounts)
    return lines + _daemon(last_status, found.seen.chain if found.seen is not None else None)


def _chain(snapshot: Snapshot, amounts: Amounts) -> list[str]:
    lines = [
        f"account   {snapshot.account}: {ether(snapshot.eth)} ETH, {amounts(snapshot.tokens)}, "
        f"{amounts(snapshot.settled_owed)} owed",
        f"rounds    {snapshot.final_count} of {snapshot.config.total_rounds} final, {snapshot.last_opened} opened",
    ]
    for state in snapshot.rounds:
        view = state.view
        left = f", {max(0, view.phase_end - snapshot.time)} s left" if view.phase_end else ""
        phase = view.phase.name.capitalize() + left
        lines.append(
            f"round {state.number:<4}{phase}: {view.committed} of {view.active} committed, "
            f"{view.revealed} revealed, {view.attested} attested, {view.accepted_mask.bit_count()} accepted, "
            f"{len(state.proposals)} proposed"
        )
        lines += [f"          {cid(proposal.root)} by {proposal.proposer}" for proposal in state.proposals]
    return lines


def _daemon(last_status: Status | None, snapshot: Snapshot | None) -> list[str]:
    # what is owed, a daemon would collect
    is_at_end = snapshot is not None and snapshot.is_over and not snapshot.settled_owed
    if last_status is None and is_at_end:
        return ["daemon    never ran with this config; the federation is over, nothing is left to start"]
    if last_status is None:
        return ["daemon    never ran with this config; start it with `fedaggregator run`"]
    lines = [f"daemon    {last_status.activity}, for {int(time.time() - last_status.since)} s"]
    if not last_status.is_running:
        start = "nothing is left to start" if is_at_end else "start it with `fedaggregator run`"
        lines[-1] += f" (not running now; {start})"
    return lines + problem_lines(last_status.problems, last_status.activity, time.time())


def _round(state: RoundState) -> dict[str, Any]:
    view = state.view
    return {
        "round": state.number,
        "phase": view.phase.name.capitalize(),
        "phase_end": view.phase_end,
        "prior_root": "0x" + view.prior_root.hex(),
        "global_root": "0x" + view.global_root.hex(),
        "accepted": view.accepted_mask.bit_count(),
        "proposals": [{"proposer": p.proposer, "root": "0x" + p.root.hex()} for p in state.proposals],
    }

"""`fednode rounds`: the federation's rounds so far."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from fedaggregator.cli.shared_options import JsonOption
from fedprotocol.program.terminal import say

from fednode.cli.common import DEFAULT_CONFIG, ConfigOption, open_session, print_json

if TYPE_CHECKING:
    from fedprotocol.chain.read.coordinator import Coordinator

WIDTH = 110  # width of the table in a file or a pipe


def rounds(as_json: JsonOption = False, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """List every round with its phase, its participants and its global model."""
    with open_session(config) as session:
        coordinator = session.coordinator
        found = [_round(coordinator, number) for number in range(1, coordinator.last_opened() + 1)]
    if as_json:
        print_json(found)
    elif found:
        _print(found)
    else:
        say("no round was opened yet; the first commit opens round 1")


def _round(coordinator: Coordinator, number: int) -> dict[str, Any]:
    from fedprotocol.tree import cid

    view = coordinator.round_view(number)
    return {
        "round": number,
        "phase": view.phase.name.lower(),
        "void_reason": view.void_reason.name.lower(),
        "opened_at": view.opened_at,
        "phase_end": view.phase_end,
        "settled_at": view.settled_at,
        "active": view.active,
        "committed": view.committed,
        "revealed": view.revealed,
        "attested": view.attested,
        "accepted": view.accepted_mask.bit_count(),
        "weight": view.total_weight,
        "prior_root": "0x" + view.prior_root.hex(),
        "global_root": "0x" + view.global_root.hex(),
        "global_cid": cid(view.global_root) if any(view.global_root) else None,
        "aggregator": view.aggregator if any(view.global_root) else None,
        "convicted": view.convicted,
        "updates": [
            {
                "index": index,
                "client": update.client,
                "root": "0x" + update.root.hex(),
                "weight": update.weight,
                "shift": update.shift,
                "attested": update.attested,
                "accepted": bool(view.accepted_mask >> index & 1),
            }
            for index, update in enumerate(coordinator.updates(number))
        ],
    }


def _print(found: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("round", "phase", "active", "commits", "reveals", "attests", "accepted", "global", "aggregator")
    for entry in found:
        phase = entry["phase"] if entry["phase"] != "void" else f"void: {entry['void_reason'].replace('_', ' ')}"
        counts = (str(entry[name]) for name in ("active", "committed", "revealed", "attested", "accepted"))
        table.add_row(
            str(entry["round"]), phase, *counts, _short(entry["global_cid"], 4), _short(entry["aggregator"], 6)
        )
    Console(width=None if sys.stdout.isatty() else WIDTH).print(table)


def _short(text: str | None, start: int) -> str:
    return "" if text is None else f"{text[:start]}…{text[-6:]}"

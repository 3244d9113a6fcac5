"""`fedaggregator rounds` and `fednode rounds`: the federation's rounds so far, the same table with either config."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from fedprotocol.program.terminal import say, say_json

from fedaggregator.cli.table import Column, Table, show

if TYPE_CHECKING:
    from fedprotocol.chain.read.coordinator import Coordinator

COLUMNS = (
    Column("round", right=True),
    Column("phase"),
    Column("loss", right=True),
    Column("accuracy", right=True),
    Column("active", rank=5, right=True),
    Column("commits", rank=2, right=True),
    Column("reveals", rank=4, right=True),
    Column("attests", rank=3, right=True),
    Column("accepted", right=True),
    Column("global", rank=1, short=True),
    Column("aggregator", rank=6, short=True),
)
SCORES = ("loss", "accuracy")


def round_entry(coordinator: Coordinator, number: int) -> dict[str, Any]:
    """Everything that the chain says of a round, for `--json`: money in smallest units, times in seconds since 1970."""
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


def show_rounds(found: Sequence[dict[str, Any]], as_json: bool) -> None:
    """`found`: `round_entry`s, with `loss` and `accuracy` where somebody has scored the global."""
    if as_json:
        say_json(found)
    elif found:
        show(_table(found))
    else:
        say("no round was opened yet; the first commit opens round 1")


def _table(found: Sequence[dict[str, Any]]) -> Table:
    scored = [name for name in SCORES if any(entry.get(name) is not None for entry in found)]
    at = [index for index, column in enumerate(COLUMNS) if column.name in scored or column.name not in SCORES]
    rows = [_row(entry) for entry in found]
    return Table([COLUMNS[index] for index in at], [[row[index] for index in at] for row in rows])


def _row(entry: dict[str, Any]) -> list[str]:
    phase = entry["phase"] if entry["phase"] != "void" else f"void: {entry['void_reason'].replace('_', ' ')}"
    loss, accuracy = entry.get("loss"), entry.get("accuracy")
    return [
        str(entry["round"]),
        phase,
        "" if loss is None else f"{loss:.3f}",
        "" if accuracy is None else f"{100 * accuracy:.1f} %",
        *(str(entry[name]) for name in ("active", "committed", "revealed", "attested", "accepted")),
        entry["global_cid"] or "",
        entry["aggregator"] or "",
    ]

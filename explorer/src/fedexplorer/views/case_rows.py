"""What every page has that shows a case again: the leaf by which it was proved, what each client put in, the calls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fedexplorer.disputes.gathered import Gathered, Part, Share, Source
from fedexplorer.views.view import Hex, Model

MOST_LISTED = 1_000  # places of values


class CallRow(Model):
    """A transaction of the case. It brought the leaves of the accepted updates from `start` up to `stop`, counted from
    0; `start` is None where the transaction does not show it. `fee` is in wei."""

    name: str
    tx: Hex
    sender: str
    block: int
    time: int
    start: int | None
    stop: int
    data_bytes: int
    gas: int
    fee: int


class ShareRow(Model):
    """What one client put in at the value that is shown. `source` says where the leaf was read."""

    index: int
    client: str
    root: Hex
    weight: int
    source: Source


class Case(Model):
    """A leaf that proved something, and the calls that did it. `leaf` is its number in an update. `leaf_is_known`: the
    transactions name it; otherwise it is the first one that proves it. `weight`: that of all accepted updates."""

    leaf: int
    leaf_values: int
    leaf_is_known: bool
    weight: int
    calls: tuple[CallRow, ...]
    gas: int
    fee: int


def share_fields(share: Share) -> dict[str, Any]:
    """The fields of a ShareRow."""
    update = share.update
    return {**{name: getattr(update, name) for name in ("index", "client", "root", "weight")}, "source": share.source}


def case_fields(found: Gathered, leaf_values: int, weight: int) -> dict[str, Any]:
    """The fields of a Case."""
    return {
        "leaf": found.leaf,
        "leaf_values": leaf_values,
        "leaf_is_known": found.leaf_is_known,
        "weight": weight,
        "calls": _call_rows(found.calls),
        "gas": found.gas,
        "fee": found.fee,
    }


def _call_rows(calls: Sequence[Part]) -> tuple[CallRow, ...]:
    """The transactions of a case, in order."""
    return tuple(
        CallRow(
            name=part.name,
            tx=part.call.tx,
            sender=part.call.sender,
            block=part.call.block,
            time=part.call.time,
            start=part.start,
            stop=part.stop,
            data_bytes=len(part.call.data),
            gas=part.call.gas,
            fee=part.call.fee,
        )
        for part in calls
    )

"""A replayed conviction as its page shows it: the leaf, one of its values from beginning to end, and the calls."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fedexplorer.content.tensors import Tensors
from fedexplorer.disputes.gathered import Part, Source
from fedexplorer.disputes.replay import Column, Replay
from fedexplorer.errors import NotThere
from fedexplorer.views.view import Hex, Model

MOST_DIFFERING = 1_000  # whose places are listed


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


class InputRow(Model):
    """What one client put in at the value that is shown: `mantissa` * 2^`shift` = `units`; `real` is the same as a real
    number; both are None if it is masked. `sums` are the rule's sums after this update, if they add up. `source` says
    where the leaf was read."""

    index: int
    client: str
    root: Hex
    weight: int
    shift: int
    mantissa: int
    units: int | None
    real: float | None
    sums: tuple[int, ...]
    source: Source


class ValueShown(Model):
    """One value of the disputed leaf, from what was there before to what is right. Numbers are units of 2^-24.
    `claimed` is None while nobody serves the lie. `tensor` and `index` say where the value belongs in the model."""

    at: int
    position: int
    tensor: str | None
    index: tuple[int, ...]
    prior: tuple[int, ...]
    inputs: tuple[InputRow, ...]
    right: int
    claimed: int | None


class Replayed(Model):
    """The leaf that convicted the proposal. `leaf` is its number in an update, `leaf_in_global` in a global.
    `leaf_is_known`: the transactions name it; otherwise it is the first one that is wrong. `differing` are the places
    in the leaf of values that differ, if the lie's bytes are known. `adds_up`: the rule adds the updates up; otherwise
    it needs them all at once."""

    leaf: int
    part: int
    leaf_in_global: int
    leaf_values: int
    leaf_is_known: bool
    weight: int
    claimed_digest: Hex
    claimed_path: tuple[Hex, ...]
    right_digest: Hex
    right: Hex
    claimed: Hex | None
    differing_count: int
    differing: tuple[int, ...]
    rule_says: str
    adds_up: bool
    calls: tuple[CallRow, ...]
    gas: int
    fee: int
    shown: ValueShown


def replayed(replay: Replay, claimed: bytes | None, tensors: Tensors | None, value: int | None) -> Replayed:
    """The page's part of a replay. `claimed`: the lie's bytes, if they are known. `value`: the place in the leaf of the
    value to show; None for the first one that differs or, if that is not known, the one that changes most. Raises
    NotThere."""
    found, size = replay.found, replay.config.leaf_values
    lies = None if claimed is None else replay.claimed_values(claimed)
    differing = [] if lies is None else np.flatnonzero(lies != replay.rights()).tolist()
    if value is None:
        change = np.abs(replay.rights().astype(np.int64) - replay.priors())
        value = differing[0] if differing else int(change.argmax())
    if value >= size:
        raise NotThere(f"A leaf has the values 0 to {size - 1}.")
    return Replayed(
        leaf=found.leaf,
        part=found.part,
        leaf_in_global=replay.leaf_in_global,
        leaf_values=size,
        leaf_is_known=found.leaf_is_known,
        weight=replay.weight,
        claimed_digest=found.claimed_digest,
        claimed_path=found.claimed_path,
        right_digest=replay.right_digest,
        right=replay.right,
        claimed=claimed,
        differing_count=len(differing),
        differing=tuple(differing[:MOST_DIFFERING]),
        rule_says=replay.rule.summary,
        adds_up=replay.adds_up,
        calls=call_rows(found.calls),
        gas=found.gas,
        fee=found.fee,
        shown=_value(replay, replay.column(value), None if lies is None else int(lies[value]), tensors),
    )


def _value(replay: Replay, column: Column, claimed: int | None, tensors: Tensors | None) -> ValueShown:
    position = replay.found.leaf * replay.config.leaf_values + column.at
    tensor, index = tensors.owner(position) if tensors is not None else (None, ())
    return ValueShown(
        at=column.at,
        position=position,
        tensor=tensor,
        index=index,
        prior=column.prior,
        inputs=tuple(
            InputRow(
                index=row.share.update.index,
                client=row.share.update.client,
                root=row.share.update.root,
                weight=row.share.update.weight,
                shift=row.share.update.shift,
                mantissa=row.mantissa,
                units=row.units,
                real=row.real,
                sums=sums if replay.adds_up else (),
                source=row.share.source,
            )
            for row, sums in zip(column.rows, column.running, strict=True)
        ),
        right=column.right,
        claimed=claimed,
    )


def call_rows(calls: Sequence[Part]) -> tuple[CallRow, ...]:
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

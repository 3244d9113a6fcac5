"""A replayed conviction as its page shows it: the leaf, one of its values from beginning to end, and the calls."""

from __future__ import annotations

import numpy as np

from fedexplorer.content.tensors import Tensors
from fedexplorer.disputes.replay import Column, Replay
from fedexplorer.errors import NotThere
from fedexplorer.views.case_rows import MOST_LISTED, Case, ShareRow, case_fields, share_fields
from fedexplorer.views.view import Hex, Model


class InputRow(ShareRow):
    """What one client put in at the value that is shown: `mantissa` * 2^`shift` = `units`; `real` is the same as a real
    number; both are None if it is masked. `sums` are the rule's sums after this update, if they add up."""

    shift: int
    mantissa: int
    units: int | None
    real: float | None
    sums: tuple[int, ...]


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


class Replayed(Case):
    """The leaf that convicted the proposal. `leaf_in_global` is its number in a global. `differing` are the places in
    the leaf of values that differ, if the lie's bytes are known. `adds_up`: the rule adds the updates up; otherwise it
    needs them all at once."""

    part: int
    leaf_in_global: int
    claimed_digest: Hex
    claimed_path: tuple[Hex, ...]
    right_digest: Hex
    right: Hex
    claimed: Hex | None
    differing_count: int
    differing: tuple[int, ...]
    rule_says: str
    adds_up: bool
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
        **case_fields(found, size, replay.weight),
        part=found.part,
        leaf_in_global=replay.leaf_in_global,
        claimed_digest=found.claimed_digest,
        claimed_path=found.claimed_path,
        right_digest=replay.right_digest,
        right=replay.right,
        claimed=claimed,
        differing_count=len(differing),
        differing=tuple(differing[:MOST_LISTED]),
        rule_says=replay.rule.summary,
        adds_up=replay.adds_up,
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
                **share_fields(row.share),
                shift=row.share.update.shift,
                mantissa=row.mantissa,
                units=row.units,
                real=row.real,
                sums=sums if replay.adds_up else (),
            )
            for row, sums in zip(column.rows, column.running, strict=True)
        ),
        right=column.right,
        claimed=claimed,
    )

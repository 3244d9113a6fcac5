"""The audit bundle of a round: everything that an independent program needs to check its aggregate."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from fedprotocol.car import CarFile
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.errors import FedError
from fedprotocol.files.tree_files import open_car, save_car
from fedprotocol.files.whole import write_whole
from fedprotocol.spec import Spec
from fedprotocol.store.base import Malformed, NotFound, Store
from fedprotocol.tree import cid
from fedprotocol.types import Phase, RoundView, Update

from fedaggregator.compute.garbage import Garbage
from fedaggregator.compute.inputs import rule_of
from fedaggregator.compute.merge import Contribution, merge
from fedaggregator.rules import Rule
from fedaggregator.rules.masked_mean import MaskedMean


class AuditError(FedError):
    """No bundle can be made of this round."""


@dataclass(frozen=True)
class AuditResult:
    """`recomputed_root`: the root that the bundle's own files lead to. The round is right if it equals `global_root`.
    `absent`: the indices of updates that were not accepted and that nobody serves; the aggregate does not need them.
    """

    round: int
    global_root: bytes
    recomputed_root: bytes
    absent: tuple[int, ...]

    @property
    def right(self) -> bool:
        return self.global_root == self.recomputed_root


def write_bundle(coordinator: Coordinator, store: Store, spec: Spec, number: int, out: Path) -> AuditResult:
    """Write prior.car, update-<index>.car, global.car and round.json into `out`, and check them.

    Raises:
        AuditError: the round is not final, its updates add up to garbage, `out` holds something else, or nobody serves
            an accepted update, the prior or the global. StoreError, ChainError: store or chain do not work.
    """
    view = _final(coordinator, number)
    updates = coordinator.updates(number)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise AuditError(f"{out} is not an empty folder: choose another --out")
    out.mkdir(parents=True, exist_ok=True)
    layout = spec.layout
    prior = _copy(store, view.prior_root, spec, out / "prior.car", "prior")
    with prior:
        contributions: list[Contribution] = []
        absent: list[int] = []
        for index, update in enumerate(updates):
            is_accepted = bool(view.accepted_mask >> index & 1)
            try:
                with store.get(update.root, layout.delta_shape) as leaves:
                    save_car(leaves, out / f"update-{index}.car")
            except (NotFound, Malformed) as error:
                if is_accepted:
                    raise AuditError(
                        f"accepted update {index} of {update.client}, {cid(update.root)}, is served by nobody: {error}"
                    ) from error
                absent.append(index)
                continue
            if is_accepted:
                copy = open_car(out / f"update-{index}.car", update.root, layout.delta_shape)
                contributions.append(Contribution(copy, update.weight, update.shift))
        _copy(store, view.global_root, spec, out / "global.car", "global").close()
        rule = rule_of(coordinator)
        merged = out / "recomputed.partial"
        try:
            with merge(rule, prior, contributions, layout.mantissa_bits, spec.server_lr, merged) as leaves_of_merge:
                recomputed = leaves_of_merge.root
        except Garbage as garbage:
            raise AuditError(f"round {number} should have become void, and nobody impeached it: {garbage}") from garbage
    merged.unlink()
    for index_file in out.glob("*.idx"):
        index_file.unlink()
    document = {
        "chain_id": coordinator.chain_id,
        "contract": coordinator.address,
        "rule": rule.name,
        "round": number,
        "prior_root": _hex(view.prior_root),
        "global_root": _hex(view.global_root),
        "leaf_values": layout.leaf_values,
        "value_count": layout.value_count,
        "mantissa_bits": layout.mantissa_bits,
        "server_lr": spec.server_lr,
        **_masking(rule),
        "updates": [_described(view, index, update) for index, update in enumerate(updates)],
    }
    write_whole(out / "round.json", json.dumps(document, indent=2) + "\n")
    return AuditResult(number, view.global_root, recomputed, tuple(absent))


def _masking(rule: Rule) -> dict[str, object]:
    """What a reader must know of masked updates beside their width."""
    return {"scale": rule.scale, "bound": rule.bound} if isinstance(rule, MaskedMean) else {}


def _final(coordinator: Coordinator, number: int) -> RoundView:
    last = coordinator.last_opened()
    if not 1 <= number <= last:
        raise AuditError(f"there is no round {number}; the last one that was opened is {last}")
    view = coordinator.round_view(number)
    if view.phase is not Phase.FINAL:
        raise AuditError(f"round {number} is in {view.phase.name.capitalize()}: only a final round can be audited")
    return view


def _copy(store: Store, root: bytes, spec: Spec, path: Path, what: str) -> CarFile:
    try:
        with store.get(root, spec.layout.global_shape) as leaves:
            save_car(leaves, path)
    except (NotFound, Malformed) as error:
        raise AuditError(f"the round's {what}, {cid(root)}, is served by nobody: {error}") from error
    return open_car(path, root, spec.layout.global_shape)


def _described(view: RoundView, index: int, update: Update) -> dict[str, object]:
    return {
        "index": index,
        "client": update.client,
        "root": _hex(update.root),
        "weight": update.weight,
        "shift": update.shift,
        "accepted": bool(view.accepted_mask >> index & 1),
    }


def _hex(root: bytes) -> str:
    return "0x" + root.hex()

"""Is everything there that a node needs? Cheap checks first; nothing large is downloaded."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from fedprotocol.chain.types import FederationConfig
from fedprotocol.errors import FedError

from fednode.session import Session
from fednode.site_data import usable_data

SPARE_BYTES = 1 << 30  # beyond what the trees of the rounds take


@dataclass(frozen=True)
class Check:
    """One finding. `ok` None: could not be looked at, because something before it failed."""

    name: str
    ok: bool | None
    detail: str


def examine(session: Session) -> Iterator[Check]:
    """Every check, in order; those that depend on a failed one say so instead of failing too."""
    failed: set[str] = set()
    for name, needs, look in _checks(session):
        missing = sorted(failed.intersection(needs))
        if missing:
            failed.add(name)
            yield Check(name, None, f"needs: {', '.join(missing)}")
            continue
        try:
            yield Check(name, True, look())
        except FedError as error:
            failed.add(name)
            yield Check(name, False, str(error))


def _checks(session: Session) -> list[tuple[str, tuple[str, ...], Callable[[], str]]]:
    return [
        ("chain", (), lambda: _chain(session)),
        ("account", (), lambda: f"{session.signer.address} (can sign)"),
        ("funds", ("chain", "account"), lambda: _funds(session)),
        ("seat", ("chain", "account"), lambda: _seat(session)),
        ("store", (), lambda: session.store.check()),
        ("spec", ("chain", "store"), lambda: f"“{session.spec.name}” is the contract's"),
        ("global", ("spec",), lambda: _global(session)),
        ("data", (), lambda: _data(session)),
        ("disk", ("spec",), lambda: _disk(session)),
        ("model", ("spec",), lambda: _model(session)),
    ]


class NotFit(FedError):
    """A check failed; the message says what to do."""


def _chain(session: Session) -> str:
    coordinator = session.coordinator
    block = coordinator.web3.eth.block_number
    return f"chain {coordinator.chain_id} at block {block}, coordinator {coordinator.address}"


def _funds(session: Session) -> str:
    chain = session.snapshot()
    seated = chain.my_seat.active_from > 0 and not chain.my_seat.exited
    said = session.amounts
    needed = 0 if seated else max(said.units(session.config.node.stake), chain.config.min_stake)
    missing = ["ether for transactions"] if chain.eth == 0 else []
    if chain.tokens < needed:
        missing.append(f"{said(needed - chain.tokens)} for its stake (token {chain.config.token})")
    if missing:
        raise NotFit(f"{session.address} lacks {' and '.join(missing)}: send it some")
    return f"{chain.eth / 1e18:.4f} ETH, {said(chain.tokens)}" + ("" if seated else f" (a seat needs {said(needed)})")


def _seat(session: Session) -> str:
    chain = session.snapshot()
    seat, config = chain.my_seat, chain.config
    if seat.active_from == 0 or seat.exited:
        raise NotFit("this account has no seat yet: `fednode join` takes one")
    if seat.active_until <= chain.last_opened + 1:
        said = f"{session.amounts(seat.stake)} of {session.amounts(config.min_stake)}"
        raise NotFit(f"suspended: the stake is {said}; `fednode join` adds the rest")
    weight = _weight(seat.stake, config)
    return f"active from round {seat.active_from} on, stake {session.amounts(seat.stake)} ({weight})"


def _weight(stake: int, config: FederationConfig) -> str:
    return f"enough for a weight of {stake // config.stake_per_example} examples"


def _global(session: Session) -> str:
    number, root = session.coordinator.latest_final()
    with session.store.get(root, session.spec.layout.global_shape) as leaves:
        return f"the global of round {number} is here and verified, {len(leaves)} leaves"


def _data(session: Session) -> str:
    reports = usable_data(session.config)
    return ", ".join(f"{report.path.name}: {report.usable} rows" for report in reports)


def _disk(session: Session) -> str:
    layout, terms = session.spec.layout, session.coordinator.config()
    round_bytes = layout.global_shape.leaf_bytes * layout.leaf_count
    round_bytes += terms.max_clients * layout.delta_shape.leaf_bytes * layout.leaf_count
    rounds = min(terms.total_rounds, session.config.node.keep_rounds + 2)  # two may be unsettled
    needed = rounds * round_bytes + SPARE_BYTES
    folder = _existing(session.config.home)
    free = shutil.disk_usage(folder).free
    said = f"{free / 1e9:.1f} GB free, {rounds} rounds may take {needed / 1e9:.1f} GB"
    if free < needed:
        raise NotFit(f"{folder}: {said}: make room, or lower [node] keep_rounds")
    return said


def _model(session: Session) -> str:
    from fednode.base_model import BaseModelMissing, weights_digest
    from fednode.model import locate_here

    spec, settings = session.spec, session.config.model
    source = settings.source or spec.base_model.id
    if settings.device == "cuda":
        import torch

        if not torch.cuda.is_available():
            raise NotFit("[model] device is cuda, but torch finds no CUDA device; set it to cpu")
    try:
        folder = locate_here(session)
    except BaseModelMissing:
        if Path(source).is_absolute():
            raise
        return f"{source} will be fetched from the hub at the first `fednode run`, and its digest checked then"
    digest = weights_digest(folder)
    if digest != spec.base_model.digest:
        raise NotFit(
            f"{source}: its weights have the digest {digest}, the federation trains {spec.base_model.id} with "
            f"{spec.base_model.digest}; give the right model as [model] source"
        )
    return f"{source} is the spec's base model"


def _existing(path: Path) -> Path:
    return next(folder for folder in (path, *path.parents) if folder.exists())

"""Snapshots of a chain that nobody ran, for decisions that depend on nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fednode.daemon.facts import OwnUpdate
from fedprotocol.chain.read.snapshot import RoundState, Snapshot
from fedprotocol.types import Balances, Commitment, FederationConfig, Phase, RoundView, Seat, VoidReason

ME = "0x" + "Aa" * 20
OTHER = "0x" + "Bb" * 20
ZERO = bytes(32)
NOW = 1_000_000


def root(name: str) -> bytes:
    return name.encode().ljust(32, b"\1")


GENESIS = root("genesis")

CONFIG = FederationConfig(
    token=OTHER,
    rule=OTHER,
    gate=OTHER,
    disputes=OTHER,
    sponsor=OTHER,
    spec_digest=root("spec"),
    genesis_root=GENESIS,
    leaf_count=2,
    leaf_values=32,
    mantissa_bits=8,
    max_shift=20,
    server_lr=1 << 16,
    min_clients=2,
    max_clients=4,
    total_rounds=3,
    aggregator_bps=1000,
    round_reward=100,
    min_stake=400,
    stake_per_example=1,
    penalty=100,
    bond_base=50,
    train_length=600,
    reveal_length=100,
    attest_length=100,
    challenge_length=100,
    min_window=10,
    abandon_after=5000,
)
VIEW = RoundView(
    phase=Phase.TRAIN,
    void_reason=VoidReason.NONE,
    opened_at=NOW - 100,
    phase_start=NOW - 100,
    phase_end=NOW + 500,
    settled_at=0,
    prior_root=GENESIS,
    global_root=ZERO,
    inputs_hash=root("inputs"),
    active=2,
    committed=1,
    matching=1,
    revealed=0,
    attested=0,
    total_weight=10,
    accepted_mask=0,
    aggregator=OTHER,
    convicted=0,
    live=0,
)
OWN = OwnUpdate(GENESIS, root("update"), root("hash"), frozenset({root("hash")}))
COMMITTED = Commitment(root("hash"), GENESIS, 10)
SEAT = Seat(
    stake=1000, active_from=1, active_until=2**32 - 1, pending_old=0, pending_new=0, exited=False, last_commit=0
)


def state(number: int, phase: Phase, **changes: Any) -> RoundState:
    own = {k: changes.pop(k) for k in ("updates", "proposals", "my_commitment", "my_index") if k in changes}
    base = {"updates": (), "proposals": (), "my_commitment": None, "my_index": None, "my_pages": 0}
    changes = {"live": len(own.get("proposals", ()))} | changes
    return RoundState(number=number, view=replace(VIEW, phase=phase, **changes), **{**base, **own})


def chain(*rounds: RoundState, **changes: Any) -> Snapshot:
    base = Snapshot(
        chain_id=1,
        block=10,
        time=NOW,
        config=CONFIG,
        rounds=rounds,
        latest_final=(0, GENESIS),
        final_count=0,
        last_opened=max((r.number for r in rounds), default=0),
        closed=False,
        active_count=2,
        account=ME,
        my_seat=SEAT,
        my_owed=0,
        settled_seat=changes.get("my_seat", SEAT),
        settled_owed=changes.get("my_owed", 0),
        balances=Balances(stakes=2000, bonds=0, owed=0, reserved=0, pool=1000, burned=0),
        eth=10**18,
        tokens=1000,
        allowance=0,
        bond=50,
        bond_due=0,
    )
    return replace(base, **changes)

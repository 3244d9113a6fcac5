"""The config files of a demo federation, as an operator would write them by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

Tables = Mapping[str, Mapping[str, Any]]


def toml(tables: Tables) -> str:
    """TOML of flat tables that hold text, numbers, booleans and lists of these. The keys of the table "" come first."""
    parts = []
    for name, table in tables.items():
        # Text, numbers, booleans and arrays are written in the same way in JSON and TOML.
        lines = [f"{key} = {json.dumps(value)}" for key, value in table.items()]
        parts.append("\n".join([f"[{name}]", *lines] if name else lines))
    return "\n\n".join(parts) + "\n"


def federation(spec: str, nodes: int, rounds: int, private: Sequence[str] = ()) -> Tables:
    """federation.toml: every phase is long enough for slow machines, and ends early once everybody has acted. `spec`:
    path of the document, relative to the file. `private`: the sites' accounts, in a federation that masks updates.
    """
    few = {"min_clients": 3, "max_clients": nodes, "allowlist": list(private)} if private else {}
    return {
        "": {"spec": spec},
        "members": few or {"min_clients": 2, "max_clients": nodes},
        "phases": {
            "train": "45m",
            "reveal": "5m",
            "attest": "10m",
            "challenge": "12s",
            "min_window": "10s",
            "abandon_after": "1h",
        },
        "money": {
            "round_reward": 100,
            "aggregator_share": "0.1",
            "min_stake": 400 if private else 100,
            "stake_per_example": "0.01",
            "penalty": 100 if private else 10,  # where updates are masked, who spoils a round loses at least its reward
            "pool": 100 * rounds,
        },
        "proof": {"block_time": 1},
        **({"private": {"masking": "1m", "transfer": "5m"}} if private else {}),
    }


def connection(rpc: str, chain_id: int, coordinator: str, store: str, peers: Sequence[str]) -> Tables:
    """The tables that nodes and aggregators have in common."""
    return {
        "": {"home": "home"},
        "chain": {"rpc": [rpc], "chain_id": chain_id, "coordinator": coordinator, "poll_seconds": 1.0},
        "store": {"url": store, "peers": list(peers)},
        "account": {"keystore": "keystore.json", "password_file": "password.txt"},
    }


def node(shared: Tables, model: str, seed: int, compare: bool, peers: Sequence[str] = ()) -> Tables:
    """fednode.toml of one site, whose data are in the same folder. `compare`: the site also trains a model alone.
    `peers`: accounts of the other sites, if updates are masked."""
    tables: dict[str, Mapping[str, Any]] = {
        **shared,
        "model": {"source": model, "device": "cpu", "threads": 1},
        "data": {"train": "train.jsonl", "test": "test.jsonl"},
        "node": {"claim": True, "propose_after": 120, "attest_margin": 60, "seed": seed},
    }
    if peers:
        tables["private"] = {"peers": list(peers), "at_least": 2}
    return {**tables, "solo": {"enabled": True, "test": "common_test.jsonl"}} if compare else tables

"""The config files of a demo federation, as an operator would write them by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

Tables = Mapping[str, Mapping[str, Any]]


def toml(tables: Tables) -> str:
    """Flat tables of text, numbers, booleans and lists of them; keys of the table "" stand at the top."""
    parts = []
    for name, table in tables.items():
        # JSON's text, numbers, booleans and arrays are also TOML's.
        lines = [f"{key} = {json.dumps(value)}" for key, value in table.items()]
        parts.append("\n".join([f"[{name}]", *lines] if name else lines))
    return "\n\n".join(parts) + "\n"


def federation(spec: str, nodes: int, rounds: int) -> Tables:
    """federation.toml: room for slow machines in every phase, as phases end early once all have acted.

    `spec`: path of the document, relative to the file.
    """
    return {
        "": {"spec": spec},
        "members": {"min_clients": 2, "max_clients": nodes},
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
            "min_stake": 100,
            "stake_per_example": "0.01",
            "penalty": 10,
            "pool": 100 * rounds,
        },
        "proof": {"block_time": 1},
    }


def connection(rpc: str, chain_id: int, coordinator: str, store: str, peers: Sequence[str]) -> Tables:
    """The tables that a node and an aggregator share."""
    return {
        "": {"home": "home"},
        "chain": {"rpc": [rpc], "chain_id": chain_id, "coordinator": coordinator, "poll_seconds": 1.0},
        "store": {"url": store, "peers": list(peers)},
        "account": {"keystore": "keystore.json", "password_file": "password.txt"},
    }


def node(shared: Tables, model: str, seed: int, compare: bool) -> Tables:
    """fednode.toml of one site; its data lie beside it. `compare`: it also trains a model of its own."""
    tables = {
        **shared,
        "model": {"source": model, "device": "cpu", "threads": 1},
        "data": {"train": "train.jsonl", "test": "test.jsonl"},
        "node": {"claim": True, "propose_after": 120, "attest_margin": 60, "seed": seed},
    }
    return {**tables, "solo": {"enabled": True, "test": "common_test.jsonl"}} if compare else tables

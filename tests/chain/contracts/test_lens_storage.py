"""The lens reads the coordinator's storage as its own: both must have the same layout, by the compiler's account."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[3]
COORDINATOR, LENS = "contracts/FederationCoordinator.sol", "contracts/lens/FederationLens.sol"

Variable = tuple[str, int, int, Any]


def test_lens_and_coordinator_have_one_layout() -> None:
    coordinator, lens = layouts(COORDINATOR, LENS)
    assert len(lens) > 10, "the state is there"
    assert lens == coordinator


def layouts(*paths: str) -> list[list[Variable]]:
    """Of each contract that has its file's name: label, slot, offset and type of every variable in storage."""
    settings = yaml.safe_load((ROOT / "brownie-config.yaml").read_text())["compiler"]["solc"]
    request = {
        "language": "Solidity",
        "sources": {path: {"content": (ROOT / path).read_text()} for path in paths},
        "settings": {"remappings": settings["remappings"], "outputSelection": {"*": {"*": ["storageLayout"]}}},
    }
    done = subprocess.run(
        [str(ROOT / "tools/solc"), "--standard-json"],
        input=json.dumps(request),
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    contracts = json.loads(done.stdout)["contracts"]
    return [_variables(contracts[path][Path(path).stem]["storageLayout"]) for path in paths]


def _variables(layout: dict[str, Any]) -> list[Variable]:
    types = layout["types"]
    return [(v["label"], int(v["slot"]), v["offset"], _type(types, v["type"])) for v in layout["storage"]]


def _type(types: dict[str, Any], name: str) -> Any:
    """A type with all it is made of, without the numbers that the compiler gives to declarations."""
    t = types[name]
    parts = [_type(types, t[part]) for part in ("key", "value", "base") if part in t]
    members = [(m["label"], int(m["slot"]), m["offset"], _type(types, m["type"])) for m in t.get("members", [])]
    return t["label"], t["encoding"], int(t["numberOfBytes"]), parts, members

"""Everything that the interfaces declare is explained where it stands: what it is, each parameter, each result."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
FULL = """
/// @title An interface.
interface Full {
    /// @notice A pair.
    /// @param a The first of the two,
    /// as it came in.
    /// @param b The second of the two.
    struct Pair { uint256 a; uint256 b; }
    /// @notice A side.
    /// @param Left The left one.
    enum Side { Left }
    /// @notice It is wrong.
    /// @param why The reason for it.
    error Wrong(uint256 why);
    /// @notice It was done.
    /// @param who The account that did it.
    event Done(address indexed who);
    /// @notice Does it.
    /// @param what The thing to do.
    /// @return done Whether it was done.
    /// @return The pair of it.
    function act(uint256 what) external returns (bool done, Pair memory);
}
"""


def test_the_interfaces_explain_all_that_they_declare() -> None:
    sources = {path.name: path.read_text() for path in (ROOT / "interfaces").glob("*.sol")}
    assert "IFederationCoordinator.sol" in sources
    assert gaps(sources) == []


def test_every_line_that_is_left_out_is_missed() -> None:
    assert gaps({"Full.sol": FULL}) == []
    lines = FULL.splitlines()
    explaining = [at for at, line in enumerate(lines) if "/// @" in line]
    without = {f"{at}.sol": "\n".join(lines[:at] + lines[at + 1 :]) for at in explaining}
    found = gaps(without)
    assert {gap.split(":")[0] for gap in found} == without.keys()
    assert "6.sol: struct Pair: @param b is missing" in found


def gaps(sources: dict[str, str]) -> list[str]:
    """What is declared and not explained, or in fewer than two words, a line each."""
    request = {
        "language": "Solidity",
        "sources": {name: {"content": text} for name, text in sources.items()},
        "settings": {"stopAfter": "parsing", "outputSelection": {"*": {"": ["ast"]}}},
    }
    done = subprocess.run(
        [str(ROOT / "tools/solc"), "--standard-json"],
        input=json.dumps(request),
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    parsed = json.loads(done.stdout)
    assert parsed["sources"].keys() == sources.keys(), parsed.get("errors")
    return [
        f"{name}: {gap}"
        for name in sorted(sources)
        for contract in parsed["sources"][name]["ast"]["nodes"]
        if contract["nodeType"] == "ContractDefinition"
        for gap in _gaps_of(contract)
    ]


def _gaps_of(contract: dict[str, Any]) -> Iterator[str]:
    if not _explained(contract, "title"):
        yield f"interface {contract['name']}: @title is missing"
    for node in contract["nodes"]:
        kind = node["nodeType"].removesuffix("Definition").lower()
        what = f"{kind} {node['name']}"
        if not _explained(node, "notice"):
            yield f"{what}: @notice is missing"
        for name in _parameters(node):
            if not _explained(node, f"param {name}"):
                yield f"{what}: @param {name} is missing"
        results = node["returnParameters"]["parameters"] if kind == "function" else []
        if len(_tags(node, "return")) != len(results):
            yield f"{what}: it has {len(results)} results, and another number of @return"


def _parameters(node: dict[str, Any]) -> list[str]:
    declared = node["members"] if "members" in node else node["parameters"]["parameters"]
    return [parameter["name"] for parameter in declared]


def _explained(node: dict[str, Any], tag: str) -> bool:
    found = _tags(node, tag)
    return len(found) == 1 and len(found[0].split()) >= 2


def _tags(node: dict[str, Any], tag: str) -> list[str]:
    text = (node.get("documentation") or {}).get("text", "")
    return re.findall(rf"@{re.escape(tag)}\s+(.*?)\s*(?=@\w|\Z)", text, re.DOTALL)

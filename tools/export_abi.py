#!/usr/bin/env python3
"""Write what ships inside fedprotocol of the compiled contracts: ABIs, what deploys them, how their code is recognised.
`--check` fails if the shipped files differ."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from shipped_code import code_file, contracts_file, peers_file
from solc_calls import ROOT, compiled

SHIPPED = ROOT / "protocol/src/fedprotocol/chain/abi"
OPENZEPPELIN = "@openzeppelin/contracts"

ABIS = {  # shipped file: (source, contract)
    "coordinator": ("interfaces/IFederationCoordinator.sol", "IFederationCoordinator"),
    "disputes": ("interfaces/IDisputes.sol", "IDisputes"),
    "rule": ("interfaces/IMaskedRule.sol", "IMaskedRule"),
    "erc20": (f"{OPENZEPPELIN}/token/ERC20/extensions/IERC20Metadata.sol", "IERC20Metadata"),
    "peers": ("interfaces/IPeerDirectory.sol", "IPeerDirectory"),
    "lens": ("contracts/lens/FederationLens.sol", "FederationLens"),
}
RULES = sorted((ROOT / "contracts/rules").glob("*.sol"))
ERRORS = [  # other errors with which a call of the coordinator or of Disputes may revert
    (f"{OPENZEPPELIN}/interfaces/draft-IERC6093.sol", "IERC20Errors"),
    (f"{OPENZEPPELIN}/token/ERC20/utils/SafeERC20.sol", "SafeERC20"),
    (f"{OPENZEPPELIN}/utils/ReentrancyGuardTransient.sol", "ReentrancyGuardTransient"),
    ("contracts/libraries/UpdateTree.sol", "UpdateTree"),
    ("interfaces/IPeerDirectory.sol", "IPeerDirectory"),
    *((path.relative_to(ROOT).as_posix(), path.stem) for path in RULES),
]
LENS_QUERY = ("contracts/lens/LensQuery.sol", "LensQuery")
LENS_CODE = "lens_query.json"  # its deployment code as a hex string
PEERS_CODE = "peers_code.json"  # its creation code, a hex string, which is what its address follows from
CODE = "code.json"
CONTRACTS = "contracts.json"  # what a sponsor deploys


def compile_sources() -> dict[str, dict[str, Any]]:
    """What ships of every source above. Raises SystemExit with solc's messages."""
    sources = sorted({source for source, _ in [*ABIS.values(), *ERRORS, LENS_QUERY]})
    settings = {
        "evmVersion": "cancun",
        "optimizer": {"enabled": True, "runs": 200},
        "metadata": {"appendCBOR": False, "bytecodeHash": "none"},
        "outputSelection": {"*": {"*": ["abi"]}, LENS_QUERY[0]: {LENS_QUERY[1]: ["evm.bytecode.object"]}},
    }
    return compiled({source: _read(source) for source in sources}, settings)


def _read(source: str) -> str:
    base = ROOT / "node_modules" if source.startswith(OPENZEPPELIN) else ROOT
    return (base / source).read_text()


def render(entries: list[dict[str, Any]]) -> str:
    """The ABI with each entry in one line, so that a change shows as one line of a diff."""
    return "[\n" + ",\n".join(json.dumps(e, separators=(",", ":")) for e in entries) + "\n]\n"


def shipped_files() -> dict[str, str]:
    """File name -> content, freshly compiled."""
    contracts = compile_sources()
    files = {f"{name}.json": render(contracts[source][contract]["abi"]) for name, (source, contract) in ABIS.items()}
    errors = {json.dumps(e): e for s, c in ERRORS for e in contracts[s][c]["abi"] if e["type"] == "error"}
    files["errors.json"] = render(list(errors.values()))
    source, contract = LENS_QUERY
    files[LENS_CODE] = json.dumps("0x" + contracts[source][contract]["evm"]["bytecode"]["object"]) + "\n"
    files[PEERS_CODE] = peers_file()
    files[CODE] = code_file()
    files[CONTRACTS] = contracts_file()
    return files


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare only; exit 1 on a difference")
    arguments = parser.parse_args()
    files = shipped_files()
    present = {p.name: p.read_text() for p in SHIPPED.iterdir()} if SHIPPED.is_dir() else {}
    stale = sorted(name for name in files.keys() | present.keys() if files.get(name) != present.get(name))
    if arguments.check:
        if stale:
            print(f"shipped ABIs differ from the compiled ones: {', '.join(stale)}; run tools/export_abi.py")
        return 1 if stale else 0
    SHIPPED.mkdir(parents=True, exist_ok=True)
    for name in stale:
        path = SHIPPED / name
        if name in files:
            path.write_text(files[name])
        else:
            path.unlink()
        print(f"{'wrote' if name in files else 'removed'} {path.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

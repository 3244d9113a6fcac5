"""The data about the compiled contracts that fedprotocol ships, to recognise them on a chain
(`fedprotocol.chain.read.code`). For each contract these are its role; for its runtime code without the metadata at the
end, the length, the places that only a deployment fills in, and the hash with zeros in these places; and the
constructor. A gate's constructor is left out, because its owner decides about its list.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from eth_utils.crypto import keccak
from solc_calls import ROOT, compiled

ROLES = {
    "contracts/FederationCoordinator.sol": "coordinator",
    "contracts/Disputes.sol": "disputes",
    "contracts/gates/AllowlistGate.sol": "gate",
    **{path.relative_to(ROOT).as_posix(): "rule" for path in sorted((ROOT / "contracts/rules").glob("*.sol"))},
}
DEPLOYED = (*ROLES, "contracts/DemoToken.sol")
PEERS = "contracts/PeerDirectory.sol"
LIBRARY = "library"  # the role of contracts to which others are linked
PUSH_OWN_ADDRESS = "73" + 40 * "0"  # how a library's code begins: once deployed, it holds its own address there
OWN = "own address"
NO_CONSTRUCTOR = {"constructor": "0x", "constructor_blanks": []}


def settings() -> dict[str, Any]:
    """solc's settings with which brownie compiles what is deployed."""
    solc = yaml.safe_load((ROOT / "brownie-config.yaml").read_text())["compiler"]["solc"]
    return {"evmVersion": solc["evm_version"], "optimizer": solc["optimizer"], "remappings": solc["remappings"]}


@cache
def built() -> Mapping[str, Mapping[str, Any]]:
    """What solc makes of each contract that is deployed, libraries too: source -> contract -> `abi`, `evm`. Raises
    SystemExit with solc's messages."""
    wanted = {**settings(), "outputSelection": {"*": {"*": ["abi", "evm.bytecode", "evm.deployedBytecode"]}}}
    return compiled({source: (ROOT / source).read_text() for source in (*DEPLOYED, PEERS)}, wanted)


def peers_file() -> str:
    """What deploys the peer directory, as hex with 0x. It has the metadata, so that published sources compile to the
    same code; a changed comment is another code."""
    return json.dumps("0x" + str(built()[PEERS]["PeerDirectory"]["evm"]["bytecode"]["object"])) + "\n"


def code_file() -> str:
    """The content of code.json, with a line for each contract."""
    waiting = {(source, Path(source).stem): role for source, role in ROLES.items()}
    entries: dict[str, dict[str, Any]] = {}
    while waiting:
        (source, name), role = waiting.popitem()
        evm = built()[source][name]["evm"]
        code = evm["deployedBytecode"]
        constructor = constructor_of(name, evm) if role != "gate" else NO_CONSTRUCTOR
        links = [(file, library) for file, libraries in code["linkReferences"].items() for library in libraries]
        waiting.update({link: LIBRARY for link in links if link[1] not in entries})
        entries[name] = {"role": role, **described(name, code), **constructor}
    lines = [f"{json.dumps(name)}: {json.dumps(entries[name])}" for name in sorted(entries)]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def contracts_file() -> str:
    """The content of contracts.json, with a line for each contract that a sponsor deploys: its ABI, what deploys it,
    and how many bytes of code it then has. Like the peer directory's, the code has the metadata, so that it is the code
    to which published sources compile."""
    lines = {}
    for source in DEPLOYED:
        name = Path(source).stem
        made = built()[source][name]
        code = made["evm"]["bytecode"]["object"]
        if "_" in code:
            sys.exit(f"{name} is linked to a library: nothing in fednode.federation deploys one")
        entry = {
            "abi": made["abi"],
            "creation": "0x" + code,
            "code_bytes": len(made["evm"]["deployedBytecode"]["object"]) // 2,
        }
        lines[name] = f"{json.dumps(name)}: {json.dumps(entry, separators=(',', ':'))}"
    return "{\n" + ",\n".join(lines[name] for name in sorted(lines)) + "\n}\n"


def described(name: str, code: dict[str, Any]) -> dict[str, Any]:
    """Length, blanks and hash of `code`, solc's `deployedBytecode`."""
    if code.get("immutableReferences"):
        sys.exit(f"{name} has an immutable: nothing here, nor in fedprotocol.chain.read.code, says what it may hold")
    blanks = links_of(code)
    if code["object"].startswith(PUSH_OWN_ADDRESS):
        blanks.append((1, 20, OWN))
    runtime = blanked(code["object"], blanks)
    length = len(runtime) - int.from_bytes(runtime[-2:], "big") - 2
    if any(start + size > length for start, size, _ in blanks):
        sys.exit(f"{name}: a place that a deployment fills in lies in the metadata")
    return {"length": length, "blanks": sorted(blanks), "keccak": "0x" + keccak(runtime[:length]).hex()}


def constructor_of(name: str, evm: dict[str, Any]) -> dict[str, Any]:
    """The part of the deployment code that comes before the runtime code."""
    whole, runtime = evm["bytecode"]["object"], evm["deployedBytecode"]["object"]
    if not whole.endswith(runtime):
        sys.exit(f"{name}: its constructor does not end with the code that it returns")
    length = (len(whole) - len(runtime)) // 2
    blanks = [blank for blank in links_of(evm["bytecode"]) if blank[0] < length]
    if not {blank[2] for blank in blanks} <= {blank[2] for blank in links_of(evm["deployedBytecode"])}:
        sys.exit(f"{name}: only its constructor uses a library, so that the code does not tell which")
    constructor = blanked(whole[: 2 * length], blanks)
    return {"constructor": "0x" + constructor.hex(), "constructor_blanks": sorted(blanks)}


def links_of(code: dict[str, Any]) -> list[tuple[int, int, str]]:
    """Start, length and library of each place where a library's address belongs."""
    return [
        (place["start"], place["length"], library)
        for libraries in code["linkReferences"].values()
        for library, places in libraries.items()
        for place in places
    ]


def blanked(digits: str, blanks: list[tuple[int, int, str]]) -> bytes:
    """Code from hex. Where solc has marked the place of a library, there are zeros."""
    for start, length, _ in blanks:
        digits = digits[: 2 * start] + 2 * length * "0" + digits[2 * (start + length) :]
    return bytes.fromhex(digits)

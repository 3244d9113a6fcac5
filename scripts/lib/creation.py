"""What the contracts of a deployment would cost, before there are any."""

from __future__ import annotations

from typing import Any

import brownie
from brownie import AllowlistGate, DemoToken, Disputes, FederationCoordinator
from brownie.network.contract import ContractContainer
from fedaggregator.rules import rule_of_spec
from fedprotocol.chain.errors import translated
from fedprotocol.chain.read import peer_directory
from fedprotocol.chain.read.creation import made_at
from fedprotocol.deployment.costs import creation_gas
from fedprotocol.deployment.federation_file import Contracts, Federation, coordinator_config
from fedprotocol.spec import Spec
from web3 import Web3

SOMEWHERE = "0x" + 20 * "99"
"""In place of a contract that does not stand yet: an address of which no byte is zero, as the dearest are."""
STORED = {"DemoToken": 75_000, "MaskedMean": 50_000, "AllowlistGate": 27_000, "FederationCoordinator": 420_000}
"""Gas that constructors take for what they store; the gate takes as much for each account of its list."""
LITTLE = 6_000


def creation_costs(federation: Federation, spec: Spec, digest: bytes, decimals: int, web3: Web3) -> dict[str, int]:
    """Upper bounds of gas by contract, in the order of deployment; 0 for one that serves every federation of the chain
    and stands there already. `digest`: of the spec."""
    money, members = federation.money, federation.members
    rule = rule_of_spec(spec)
    contracts = Contracts(
        token=money.token or SOMEWHERE, rule=SOMEWHERE, disputes=SOMEWHERE, gate=members.gate or SOMEWHERE
    )
    config = coordinator_config(federation, spec, digest, contracts, money.sponsor or SOMEWHERE, decimals)
    found = {}
    if money.token is None:
        found["DemoToken"] = _gas(DemoToken, SOMEWHERE)
    if members.allowlist:
        found["AllowlistGate"] = _gas(AllowlistGate, SOMEWHERE, list(members.allowlist))
    for shared, given in ((getattr(brownie, rule.contract), rule.parameters), (Disputes, ())):
        stands = not given and _stands(web3, made_at(0, _init_code(shared)))
        found[shared._name] = 0 if stands else _gas(shared, *given)
    directory = peer_directory.creation_code()
    is_there = _stands(web3, peer_directory.ADDRESS)
    found["PeerDirectory"] = 0 if is_there else creation_gas(directory, len(directory), LITTLE)
    found["FederationCoordinator"] = _gas(FederationCoordinator, as_struct(config))
    return found


def as_struct(config: dict[str, Any]) -> tuple[Any, ...]:
    """The configuration in the order of the constructor's struct, whatever that is."""
    [constructor] = [entry for entry in FederationCoordinator.abi if entry["type"] == "constructor"]
    [struct] = constructor["inputs"]
    return tuple(config[field["name"]] for field in struct["components"])


def _gas(container: ContractContainer, *args: Any) -> int:
    code_bytes = len(container._build["deployedBytecode"].removeprefix("0x")) // 2
    stored = STORED.get(container._name, LITTLE)
    if container is AllowlistGate:
        stored *= 1 + len(args[1])
    return creation_gas(_init_code(container, *args), code_bytes, stored)


def _init_code(container: ContractContainer, *args: Any) -> bytes:
    return bytes.fromhex(container.deploy.encode_input(*args).removeprefix("0x"))


def _stands(web3: Web3, address: str) -> bool:
    with translated("eth_getCode"):
        return bool(web3.eth.get_code(Web3.to_checksum_address(address)))

"""What the contracts of a deployment would cost, before there are any."""

from __future__ import annotations

from typing import Any

from fedaggregator.rules import rule_of_spec
from fedprotocol.chain.read import peer_directory
from fedprotocol.chain.read.creation import made_at
from fedprotocol.deployment.contract_code import ContractCode
from fedprotocol.deployment.costs import creation_gas
from fedprotocol.deployment.federation_file import Contracts, Federation, coordinator_config
from fedprotocol.spec import Spec

from fednode.federation.network import Network

SOMEWHERE = "0x" + 20 * "99"
"""In place of a contract that does not stand yet: an address of which no byte is zero, as the dearest are."""
STORED = {"DemoToken": 75_000, "MaskedMean": 50_000, "AllowlistGate": 27_000, "FederationCoordinator": 420_000}
"""Gas that constructors take for what they store; the gate takes as much for each account of its list."""
LITTLE = 6_000


def creation_costs(
    federation: Federation, spec: Spec, digest: bytes, decimals: int, network: Network
) -> dict[str, int]:
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
        found["DemoToken"] = _gas(network.code("DemoToken"), SOMEWHERE)
    if members.allowlist:
        found["AllowlistGate"] = _gas(network.code("AllowlistGate"), SOMEWHERE, list(members.allowlist))
    for name, given in ((rule.contract, rule.parameters), ("Disputes", ())):
        shared = network.code(name)
        stands = not given and network.has_code(made_at(0, shared.creation))
        found[name] = 0 if stands else _gas(shared, *given)
    directory = peer_directory.creation_code()
    is_there = network.has_code(peer_directory.ADDRESS)
    found["PeerDirectory"] = 0 if is_there else creation_gas(directory, len(directory), LITTLE)
    found["FederationCoordinator"] = _gas(network.code("FederationCoordinator"), config)
    return found


def _gas(contract: ContractCode, *args: Any) -> int:
    stored = STORED.get(contract.name, LITTLE)
    if contract.name == "AllowlistGate":
        stored *= 1 + len(args[1])
    return creation_gas(contract.init_code(*args), contract.code_bytes, stored)

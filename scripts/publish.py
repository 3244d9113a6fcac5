"""Publish the sources of the federation deployed on a network, so that an explorer shows and confirms them.

    brownie run publish --network <name>                     print the commands for Sourcify, to read or to copy
    brownie run publish main etherscan --network <name>      the same for Etherscan and explorers like it
    brownie run publish send --network <name>                run them (ETHERSCAN_API_KEY, for `send etherscan`)

Published are all contracts of this version that the coordinator names, the peer directory and the demo token.
"""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

import brownie
from brownie.network.contract import ContractContainer
from eth_typing import HexStr
from fednode.federation.network import Network, SponsorError
from fedprotocol.chain.read.code import libraries_in, shipped
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.creation import DEPLOYER
from fedprotocol.chain.read.peer_directory import ADDRESS, PeerDirectory
from fedprotocol.chain.read.trust import examine
from fedprotocol.deployment.record import Deployment

from scripts.lib.network import ROOT, command

SALT_BYTES = 32  # length of the salt, which comes before the deployment code
VERIFIERS = ("sourcify", "etherscan")


@dataclass(frozen=True)
class Published:
    """A contract, the arguments of its constructor (ABI-encoded) and the libraries that it is linked to."""

    address: str
    container: ContractContainer
    arguments: bytes
    libraries: tuple[tuple[str, str], ...] = ()  # name, address


@command
def main(network: Network, verifier: str = "sourcify") -> None:
    """Print the commands."""
    deployment, coordinator = network.current()
    for contract in _contracts(deployment, coordinator):
        print(shlex.join(_command(contract, verifier, deployment.chain_id)))


@command
def send(network: Network, verifier: str = "sourcify") -> None:
    """Run the commands. If one fails, the others are still run."""
    deployment, coordinator = network.current()
    failed = []
    for contract in _contracts(deployment, coordinator):
        if subprocess.run(_command(contract, verifier, deployment.chain_id), cwd=ROOT).returncode:
            failed.append(contract.container._name)
    if failed:
        raise SponsorError(f"not published: {', '.join(failed)}; forge says above why")


def _contracts(deployment: Deployment, coordinator: Coordinator) -> Iterator[Published]:
    for part in examine(coordinator):
        if part.contract is None:
            print(f"# left out: {part}")
            continue
        container = getattr(brownie, part.contract)
        libraries = (
            libraries_in(bytes(coordinator.web3.eth.get_code(part.address)), part.address, shipped()[part.contract])
            or {}
        )
        arguments = b""
        if part.role == "coordinator":
            arguments = coordinator.raw_config()
        elif part.role == "gate":
            arguments = _arguments(coordinator, container, deployment.transactions.get("gate"))
        yield Published(part.address, container, arguments, tuple(libraries.items()))
    if PeerDirectory(coordinator).is_there():
        yield Published(ADDRESS, brownie.PeerDirectory, b"")
    if deployment.demo_token:
        token = brownie.DemoToken
        yield Published(deployment.token, token, _arguments(coordinator, token, deployment.transactions.get("token")))


def _arguments(coordinator: Coordinator, container: ContractContainer, tx_hash: str | None) -> bytes:
    """The bytes after the contract's own code in the transaction that created it; empty if that transaction is not
    known."""
    if tx_hash is None:
        return b""
    transaction = coordinator.web3.eth.get_transaction(HexStr(tx_hash))
    sent = bytes(transaction["input"])
    if transaction["to"] == DEPLOYER:
        sent = sent[SALT_BYTES:]
    return sent[len(container.bytecode.removeprefix("0x")) // 2 :]


def _command(contract: Published, verifier: str, chain_id: int) -> list[str]:
    """The command for forge, whose settings (foundry.toml) are those with which brownie compiled."""
    if verifier not in VERIFIERS:
        raise SponsorError(f"{verifier}: publish with {' or '.join(VERIFIERS)}")
    build = contract.container._build
    words = ["env", "FOUNDRY_PROFILE=publish", "forge", "verify-contract", "--chain", str(chain_id)]
    words += ["--verifier", verifier, "--compiler-version", str(build["compiler"]["version"])]
    words += [word for name, at in contract.libraries for word in ("--libraries", f"{_source(name)}:{name}:{at}")]
    if contract.arguments:
        words += ["--constructor-args", "0x" + contract.arguments.hex()]
    return [*words, contract.address, f"{build['sourcePath']}:{contract.container._name}"]


def _source(name: str) -> str:
    """The name of one of the project's contracts, as forge writes it."""
    return str(getattr(brownie, name)._build["sourcePath"])

"""Contracts as brownie objects, without brownie's own records of them: those turn against every later run once a
development chain has been started anew. `deployments/` is the record."""

from __future__ import annotations

from typing import Any

from brownie import Contract
from brownie.network.contract import ContractContainer
from fedprotocol.chain.abi import load

from scripts.lib.network import ScriptError


def create(container: ContractContainer, account: Any, *args: Any) -> tuple[str, str]:
    """Deploy an instance; its address and the transaction's hash."""
    print(f"{container._name}: ", end="", flush=True)
    receipt = account.transfer(data=container.deploy.encode_input(*args), silent=True)
    if receipt.status != 1 or not receipt.contract_address:
        raise ScriptError(f"{container._name} could not be deployed: transaction {receipt.txid} failed")
    print(f"{receipt.contract_address} ({receipt.gas_used:,} gas, transaction {receipt.txid})")
    return str(receipt.contract_address), str(receipt.txid)


def bound(address: str, abi: str | list[Any]) -> Contract:
    """The contract at `address` with an ABI, or with one that fedprotocol ships by name."""
    return Contract.from_abi("contract", address, load(abi) if isinstance(abi, str) else abi, persist=False)

"""What deploys the contracts of this version (`contracts.json`, written by `tools/export_abi.py`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from web3 import Web3

from fedprotocol.chain.abi import load


@dataclass(frozen=True)
class ContractCode:
    """A compiled contract that is linked to no library.

    Attributes:
        creation: the deployment code, without the constructor's arguments.
        code_bytes: the length in bytes of the code that the contract has once it is deployed.
    """

    name: str
    abi: list[dict[str, Any]]
    creation: bytes
    code_bytes: int

    def init_code(self, *arguments: Any) -> bytes:
        """The deployment code with the constructor's arguments, ABI-encoded. A struct may be given as a mapping."""
        if not arguments:
            return self.creation
        [constructor] = [entry for entry in self.abi if entry["type"] == "constructor"]
        given = [_in_order(field, value) for field, value in zip(constructor["inputs"], arguments, strict=True)]
        contract = Web3().eth.contract(abi=self.abi, bytecode=self.creation)
        return bytes.fromhex(contract.constructor(*given).data_in_transaction[2:])


def _in_order(field: Mapping[str, Any], value: Any) -> Any:
    """A struct's values in the order in which the contract has them."""
    return tuple(value[part["name"]] for part in field["components"]) if isinstance(value, Mapping) else value


def shipped_code(name: str) -> ContractCode:
    """The contract `name` of this version. Raises KeyError for one that no sponsor deploys."""
    entry = load("contracts")[name]
    return ContractCode(name, entry["abi"], bytes.fromhex(entry["creation"][2:]), entry["code_bytes"])

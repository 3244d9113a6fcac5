"""What the contract would say to an account that wants a seat."""

from __future__ import annotations

from fedprotocol.chain.abi import load
from fedprotocol.chain.errors import ContractReverted, translated
from fedprotocol.chain.read.coordinator import Coordinator

OWN_REFUSALS = {error["name"] for error in load("coordinator") if error["type"] == "error"}
"""All else is the token's way to refuse what is not approved yet, which is the last thing that `join` asks for."""


def refusal(coordinator: Coordinator, account: str, stake: int) -> ContractReverted | None:
    """Why `account` gets no seat for this stake, whatever its purse holds; None if nothing stands against it."""
    try:
        with translated("join"):
            coordinator.calls.join(stake).call({"from": account})
    except ContractReverted as error:
        if error.name in OWN_REFUSALS:
            return error
    return None

"""What was spent: every mined transaction to the federation's contracts, with the gas that its receipt names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from eth_typing import HexStr
from fedprotocol.chain.errors import translated
from fedprotocol.chain.read.coordinator import Coordinator
from web3.types import TxData

from fedlab.results.records import GasUse


@dataclass(frozen=True)
class Spending:
    """One mined transaction. `round` is None if the call names none. `succeeded` is False if it reverted."""

    sender: str
    call: str | None  # name of the call; None if the contracts' ABIs do not have it
    round: int | None
    gas: int
    succeeded: bool


class Ledger:
    """Reads the chain block by block, from `first_block` on; `advance` catches up with its head."""

    def __init__(self, coordinator: Coordinator, first_block: int) -> None:
        self._coordinator, self._web3 = coordinator, coordinator.web3
        self._contracts = {c.address: c for c in (coordinator.contract, coordinator.token.contract)}
        self._next = first_block
        self.spent: list[Spending] = []

    def advance(self) -> None:
        """Errors: those of Coordinator's reads."""
        for number in range(self._next, self._coordinator.head() + 1):
            with translated("eth_getBlockByNumber"):
                transactions = self._web3.eth.get_block(number, full_transactions=True)["transactions"]
            for transaction in transactions:
                if not isinstance(transaction, bytes) and transaction.get("to") in self._contracts:
                    self.spent.append(self._spending(transaction))
            self._next = number + 1

    def _spending(self, transaction: Any) -> Spending:
        data: TxData = transaction
        with translated("eth_getTransactionReceipt"):
            receipt = self._web3.eth.get_transaction_receipt(data["hash"])
        call, arguments = None, {}
        with suppress(ValueError):
            function, arguments = self._contracts[data["to"]].decode_function_input(data["input"])
            call = function.fn_name
        return Spending(
            sender=str(data["from"]),
            call=call,
            round=arguments.get("round"),
            gas=int(receipt["gasUsed"]),
            succeeded=receipt["status"] == 1,
        )


def deployment_gas(coordinator: Coordinator, transactions: Mapping[str, str]) -> dict[str, GasUse]:
    """What each deployment cost. `transactions`: contract -> transaction hash. Errors: those of Coordinator's reads."""
    costs = {}
    for contract, transaction in transactions.items():
        with translated("eth_getTransactionReceipt"):
            gas = int(coordinator.web3.eth.get_transaction_receipt(HexStr(transaction))["gasUsed"])
        costs[f"deploy {contract}"] = GasUse(calls=1, least=gas, mean=gas, most=gas)
    return costs


def gas_by_call(spent: Iterable[Spending]) -> dict[str, GasUse]:
    """The gas of each transaction that succeeded, by the name of the call."""
    costs: dict[str, list[int]] = defaultdict(list)
    for item in spent:
        if item.succeeded and item.call is not None:
            costs[item.call].append(item.gas)
    return {
        call: GasUse(calls=len(gas), least=min(gas), mean=sum(gas) // len(gas), most=max(gas))
        for call, gas in sorted(costs.items())
    }


def gas_by_round(spent: Iterable[Spending]) -> dict[int, int]:
    """The gas of all transactions for each round. Reverted ones count too, because they were paid for."""
    total: dict[int, int] = defaultdict(int)
    for item in spent:
        if item.round is not None:
            total[item.round] += item.gas
    return dict(total)


def gas_by_sender(spent: Iterable[Spending]) -> dict[str, int]:
    """The gas of all transactions of each account."""
    total: dict[str, int] = defaultdict(int)
    for item in spent:
        total[item.sender] += item.gas
    return dict(total)

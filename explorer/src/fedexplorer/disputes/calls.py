"""The transactions of a case: who sent them, what they did, and what they cost."""

from __future__ import annotations

from dataclasses import dataclass

from eth_typing import HexStr
from fedprotocol.chain.abi import load
from fedprotocol.chain.errors import translated
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.events import in_ranges
from fedprotocol.chain.send.receipts import gas_used, paid
from web3 import Web3
from web3.exceptions import TransactionNotFound
from web3.types import FilterParams, LogReceipt, TxReceipt

from fedexplorer.content.told import Told


class CallUnreadable(Told):
    """The chain's node does not have a transaction any more, or not yet."""


@dataclass(frozen=True)
class Call:
    """A transaction as it was mined.

    Args:
        to: the contract that it called; empty if it made one.
        time: of its block, in the chain's seconds.
        fee: what its sender paid for its gas, in wei, with what a rollup takes besides.
    """

    tx: bytes
    sender: str
    to: str
    data: bytes
    block: int
    time: int
    gas: int
    fee: int


def read_call(coordinator: Coordinator, tx: bytes) -> Call:
    """A mined transaction. Raises CallUnreadable, ChainError."""
    name = HexStr("0x" + tx.hex())
    eth = coordinator.web3.eth
    with translated("eth_getTransactionByHash"):
        try:
            sent, receipt = eth.get_transaction(name), eth.get_transaction_receipt(name)
        except TransactionNotFound:
            raise CallUnreadable(f"the chain's node has no transaction {name} (old ones need a full node)") from None
        block = int(receipt["blockNumber"])
        return Call(
            tx=tx,
            sender=Web3.to_checksum_address(sent["from"]),
            to=Web3.to_checksum_address(sent["to"]) if sent.get("to") else "",
            data=bytes(sent["input"]),
            block=block,
            time=int(eth.get_block(block)["timestamp"]),
            gas=gas_used(receipt),
            fee=paid(receipt) + _extra(receipt),
        )


@dataclass(frozen=True)
class Carried:
    """A `Carried` event of the Disputes contract: sums over the first `count` accepted updates were kept."""

    count: int
    tx: bytes


def carried(coordinator: Coordinator, round_number: int, leaf: int, first: int, last: int) -> list[Carried]:
    """All of them of a round and leaf in the blocks first … last, in the order of the chain. Raises ChainError."""
    contract = coordinator.web3.eth.contract(
        address=Web3.to_checksum_address(coordinator.config().disputes), abi=load("disputes")
    )
    topics = [
        contract.events.Carried().topic,
        "0x" + bytes(12).hex() + coordinator.address[2:].lower(),
        _word(round_number),
        _word(leaf),
    ]

    def ask(where: FilterParams) -> list[LogReceipt]:
        query: FilterParams = {"address": contract.address, "topics": topics, **where}
        with translated("eth_getLogs"):
            return sorted(coordinator.web3.eth.get_logs(query), key=lambda log: (log["blockNumber"], log["logIndex"]))

    found: list[Carried] = []
    for _, logs in in_ranges(ask, first, last):
        with translated("eth_getLogs"):
            found += [Carried(int.from_bytes(bytes(log["data"])), bytes(log["transactionHash"])) for log in logs]
    return found


def _extra(receipt: TxReceipt) -> int:
    """What a rollup takes besides, for its data on the chain below it, in wei."""
    told = receipt.get("l1Fee", 0)
    return int(told, 16) if isinstance(told, str) else int(told or 0)  # type: ignore[call-overload]


def _word(number: int) -> str:
    return "0x" + number.to_bytes(32, "big").hex()

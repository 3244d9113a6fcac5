"""The transfers of a token to and from one account, as the token's own log has them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from eth_abi.abi import decode
from eth_typing import HexStr
from eth_utils.abi import event_abi_to_log_topic
from eth_utils.address import to_checksum_address
from hexbytes import HexBytes
from web3 import Web3
from web3.types import FilterParams, LogReceipt

from fedprotocol.chain.abi import WORD, entry
from fedprotocol.chain.errors import translated
from fedprotocol.chain.read.events import Event, in_ranges, plain_log

TRANSFER = "Transfer"
STRANGE = "strange"
"""The name of an entry that has the topic of a transfer, but not the form that ERC-20 gives it."""


class TransferLog:
    """The part of a token's log with the account `account` as sender or receiver. A token that does not write
    ERC-20's `Transfer(address indexed from, address indexed to, uint256 value)` has none."""

    def __init__(self, web3: Web3, token: str, account: str) -> None:
        self._eth = web3.eth
        self.address: str = to_checksum_address(token)
        self.account: str = to_checksum_address(account)
        self.identity = f"{self.address} {self.account}"

    def chunks(self, from_block: int, to_block: int) -> Iterator[tuple[int, list[LogReceipt]]]:
        return in_ranges(self._logs, from_block, to_block)

    def of_block(self, block_hash: bytes) -> list[LogReceipt]:
        return self._logs({"blockHash": HexBytes(block_hash)})

    def headline(self, log: LogReceipt) -> tuple[str, int | None]:
        is_standard = len(log["topics"]) == 3 and len(log["data"]) == WORD
        return (TRANSFER if is_standard else STRANGE), None

    def decode(self, log: LogReceipt, time: int) -> Event:
        """Its arguments are `from`, `to` and `value`; a strange entry has none."""
        name, _ = self.headline(log)
        args: dict[str, Any] = {}
        if name == TRANSFER:
            source, target = (to_checksum_address(bytes(topic)[-20:]) for topic in log["topics"][1:])
            [value] = decode(["uint256"], bytes(log["data"]))
            args = {"from": source, "to": target, "value": value}
        place = (log["blockNumber"], bytes(log["blockHash"]), bytes(log["transactionHash"]), log["logIndex"])
        return Event(name, args, *place, time)

    def _logs(self, where: FilterParams) -> list[LogReceipt]:
        """Nodes match topics by their place, so senders and receivers are two questions."""
        topic = HexStr("0x" + event_abi_to_log_topic(entry("erc20", "event", TRANSFER)).hex())  # type: ignore[arg-type]
        me = HexStr("0x" + bytes(12).hex() + self.account.removeprefix("0x").lower())
        found: dict[tuple[int, int], LogReceipt] = {}
        for topics in ([topic, me], [topic, None, me]):
            query: FilterParams = {"address": self.address, "topics": topics, **where}  # type: ignore[typeddict-item]
            with translated("eth_getLogs"):
                for log in map(plain_log, self._eth.get_logs(query)):
                    found[log["blockNumber"], log["logIndex"]] = log
        return [found[place] for place in sorted(found)]

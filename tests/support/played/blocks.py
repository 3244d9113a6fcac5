"""Many calls in a block, at times of one's choice: thousands of real transactions in a second."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import urllib3
from eth_abi.abi import encode
from eth_utils.abi import collapse_if_tuple, function_abi_to_4byte_selector
from fedprotocol.chain.abi import entry
from fedprotocol.printable import json_text
from pydantic_core import from_json
from support.evm import JSON, Anvil

GAS = 3_000_000


@dataclass(frozen=True)
class Send:
    """A transaction that an unlocked account of the node sends."""

    sender: str
    to: str
    data: bytes
    gas: int = GAS


class Blocks:
    """Mines every block of `chain` from now on, which does not mine by itself any more. `time` is that of the last
    one."""

    def __init__(self, chain: Anvil) -> None:
        self.chain = chain
        self.time: int = chain.web3.eth.get_block("latest")["timestamp"]
        self._connections = urllib3.PoolManager()
        chain.rpc("evm_setAutomine", False)

    def mine(self, sends: Sequence[Send], seconds: int = 12) -> list[dict[str, Any]]:
        """One block with these transactions in their order, `seconds` after the last; returns their receipts. Raises
        AssertionError if one failed or found no room."""
        if sends:
            self._all([("eth_sendTransaction", [_fields(send)]) for send in sends])
        self.time += seconds
        self.chain.rpc("evm_setNextBlockTimestamp", self.time)
        self.chain.rpc("evm_mine")
        receipts: list[dict[str, Any]] = self.chain.rpc("eth_getBlockReceipts", "latest") if sends else []
        failed = [r["transactionHash"] for r in receipts if r["status"] != "0x1"]
        assert len(receipts) == len(sends), f"{len(receipts)} of {len(sends)} transactions found room"
        assert not failed, f"{len(failed)} of {len(sends)} failed: {self._words(sends, receipts)}"
        return receipts

    def wait_until(self, time: int) -> None:
        """Mine an empty block at `time`, unless the chain is there already."""
        if self.time < time:
            self.mine([], time - self.time)

    def _all(self, calls: Sequence[tuple[str, list[Any]]]) -> None:
        """In one request: one each would take longer than the chain's work."""
        body = [{"jsonrpc": "2.0", "id": i, "method": name, "params": params} for i, (name, params) in enumerate(calls)]
        response = self._connections.request("POST", self.chain.url, body=json_text(body), headers=JSON, timeout=60)
        answers = from_json(response.data)
        refused = [answer["error"] for answer in answers if "error" in answer]
        assert not refused, f"{len(refused)} of {len(calls)} transactions were refused: {refused[0]}"

    def _words(self, sends: Sequence[Send], receipts: Sequence[dict[str, Any]]) -> object:
        """What the first failed call is refused with now."""
        send, receipt = next(both for both in zip(sends, receipts, strict=True) if both[1]["status"] != "0x1")
        try:
            return f"{int(receipt['gasUsed'], 16):,} gas; now: {self.chain.rpc('eth_call', _fields(send), 'latest')}"
        except AssertionError as error:
            return error


def coordinator_call(name: str, *arguments: Any) -> bytes:
    """The data of a call of the coordinator: web3.py takes five times as long."""
    selector, kinds = _function(name)
    return selector + encode(kinds, arguments)


@cache
def _function(name: str) -> tuple[bytes, list[str]]:
    function = entry("coordinator", "function", name)
    return function_abi_to_4byte_selector(function), [collapse_if_tuple(dict(i)) for i in function["inputs"]]


def _fields(send: Send) -> dict[str, str]:
    return {"from": send.sender, "to": send.to, "data": "0x" + send.data.hex(), "gas": hex(send.gas)}

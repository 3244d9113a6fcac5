"""Reading one transaction or one block from the chain's node."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from fedprotocol.chain.endpoint.reverts import revert_data
from fedprotocol.chain.errors import ChainError, RpcRefused, decode_revert, translated
from fedprotocol.printable import LONGEST_TEXT, printable
from web3 import Web3
from web3.types import RPCEndpoint

from fedexplorer.transactions import answers
from fedexplorer.transactions.contracts import Contracts
from fedexplorer.transactions.records import Header, Revert, Transaction

TRACE = {"tracer": "callTracer", "tracerConfig": {"onlyTopCall": True}}
ERROR_TEXT = bytes.fromhex("08c379a0")  # Error(string), what `require` and `revert` with a text return


class Moved(ChainError):
    """The chain's node does not have this transaction in this block, or not this block: there was a re-org, or the node
    is behind."""


class Reader:
    """Asks the node. Every method may raise ChainUnreachable, WrongChain, RpcRefused, Moved."""

    def __init__(self, web3: Web3, contracts: Contracts) -> None:
        self._web3 = web3
        self._contracts = contracts

    def mined(self, tx_hash: bytes, block_hash: bytes) -> Transaction:
        """The transaction in that block, with its receipt."""
        found = self.find(tx_hash)
        if found is None or found.block_hash != block_hash:
            raise Moved(f"the node does not have transaction 0x{tx_hash.hex()} in block 0x{block_hash.hex()}")
        return found

    def find(self, tx_hash: bytes) -> Transaction | None:
        """The transaction, with its receipt if it is in a block; None if the node does not know it."""
        told = self._ask("eth_getTransactionByHash", "0x" + tx_hash.hex())
        ended = self._ask("eth_getTransactionReceipt", "0x" + tx_hash.hex()) if told else None
        with translated("eth_getTransactionReceipt"):
            found = self._joined(told, ended)
        if found is not None and found.hash != tx_hash:
            raise RpcRefused("the node answers with another transaction than it was asked for")
        if found is None or found.receipt is None or found.receipt.succeeded is not False:
            return found
        return replace(found, revert=self._revert(found))

    def block(self, which: int | bytes) -> Header | None:
        """The block of this number or hash; None if the node has none."""
        method = "eth_getBlockByHash" if isinstance(which, bytes) else "eth_getBlockByNumber"
        name = "0x" + which.hex() if isinstance(which, bytes) else hex(which)
        try:
            answer = self._ask(method, name, True)
        except RpcRefused:  # all transactions of a large block are longer than an answer may be
            answer = self._ask(method, name, False)
        if answer is None:
            return None
        with translated(method):
            found = answers.header(answer, self._contracts)
        if which not in (found.number, found.hash):
            raise RpcRefused("the node answers with another block than it was asked for")
        return found

    def _joined(self, told: Any, ended: Any) -> Transaction | None:
        if told is None:
            return None
        found = answers.transaction(told)
        # some nodes have a receipt without a block for a transaction that is still pending
        if ended is None or ended.get("blockHash") is None:
            return found
        return replace(
            found,
            block=answers.number(ended.get("blockNumber")),
            block_hash=answers.data(ended["blockHash"]),
            position=answers.number(ended.get("transactionIndex")),
            receipt=answers.receipt(ended, told.get("gasPrice"), self._contracts),
        )

    def _revert(self, failed: Transaction) -> Revert | None:
        """Why it failed. Few nodes serve the trace of a call, which is exact; all serve `eth_call`."""
        with suppress(RpcRefused):
            trace = self._ask("debug_traceTransaction", "0x" + failed.hash.hex(), TRACE)
            if isinstance(trace, Mapping) and trace.get("error"):
                with translated("debug_traceTransaction"):
                    output = answers.data(trace.get("output", "0x"))
                return _revert(output, str(trace.get("revertReason") or trace["error"]), is_exact=True)
        with suppress(RpcRefused):
            return self._called_before(failed)
        return None

    def _called_before(self, failed: Transaction) -> Revert | None:
        if not failed.block:
            return None
        fields = {"from": failed.sender, "to": failed.to, "data": "0x" + failed.input.hex(), "value": hex(failed.value)}
        call = {key: value for key, value in fields.items() if value is not None}
        with translated("eth_call"):
            answer = self._web3.provider.make_request(RPCEndpoint("eth_call"), [call, hex(failed.block - 1)])
        error = answer.get("error")
        if not error:
            return None
        output = revert_data(error)
        return None if output is None else _revert(output, str(error["message"]), is_exact=False)

    def _ask(self, method: str, *parameters: Any) -> Any:
        """The result; None if it is null. Raises RpcRefused for an error of the node."""
        with translated(method):
            answer = self._web3.provider.make_request(RPCEndpoint(method), list(parameters))
        if answer.get("error"):
            message = str(answer["error"]["message"])
            raise RpcRefused(f"{method}: the node refused: {printable(message, LONGEST_TEXT)}", message)
        result = answer.get("result")
        if result is not None and not isinstance(result, Mapping):
            raise RpcRefused(f"{method}: the node answers something else than an object")
        return result


def _revert(output: bytes, message: str, is_exact: bool) -> Revert:
    """Revert data in words."""
    reason = decode_revert(output, _text(output) or message)
    return Revert(reason.name, str(reason), is_exact)


def _text(output: bytes) -> str:
    """The text of `Error(string)`, which starts with its length; empty if it is something else."""
    if not output.startswith(ERROR_TEXT) or len(output) < 68:
        return ""
    length = int.from_bytes(output[36:68])
    return output[68 : 68 + min(length, LONGEST_TEXT)].decode("utf-8", "replace")

"""A node's answers about transactions and blocks, in which much is optional: nodes and rollups leave fields out, set
them to null, or add others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from eth_utils.address import to_checksum_address

from fedexplorer.transactions.contracts import Contracts
from fedexplorer.transactions.records import Header, Line, LogEntry, Receipt, Transaction

Answer = Mapping[str, Any]

MOST_LOGS = 64  # of one receipt; anybody may write any number into a log
MOST_LOG_BYTES = 4_096
MOST_LINES = 512  # of one block


def transaction(answer: Answer) -> Transaction:
    """What `eth_getTransactionByHash` says, without receipt. Raises KeyError, TypeError or ValueError if it lacks what
    every transaction has."""
    return Transaction(
        hash=data(answer["hash"]),
        sender=to_checksum_address(answer["from"]),
        to=_address(answer.get("to")),
        value=number(answer.get("value")) or 0,
        nonce=number(answer.get("nonce")),
        gas_limit=number(answer.get("gas")),
        input=data(answer.get("input", answer.get("data", "0x"))),
    )


def receipt(answer: Answer, gas_price: Any, contracts: Contracts) -> Receipt:
    """What `eth_getTransactionReceipt` says. `gas_price` of the transaction counts if the receipt names none. Raises
    the same errors."""
    others = (contracts.disputes, contracts.token, contracts.peers)
    logs = [entry for given in _list(answer.get("logs")) if (entry := _log(given)).address in others]
    kept = [entry for entry in logs if len(entry.data) <= MOST_LOG_BYTES][:MOST_LOGS]
    status = number(answer.get("status"))
    return Receipt(
        succeeded=None if status is None else status == 1,
        gas_used=number(answer.get("gasUsed")),
        gas_price=number(answer.get("effectiveGasPrice", gas_price)),
        extra_fee=number(answer.get("l1Fee")) or 0,
        creates=_address(answer.get("contractAddress")),
        logs=tuple(kept),
        left_out=len(logs) - len(kept),
    )


def header(answer: Answer, contracts: Contracts) -> Header:
    """What `eth_getBlockBy…` says. Transactions may be whole, or only their hashes. Raises the same errors."""
    given = _list(answer.get("transactions"))
    is_whole = all(isinstance(one, Mapping) for one in given)
    own = [(i, t) for i, t in enumerate(given) if is_whole and contracts.name(_address(t.get("to")))]
    is_whole = is_whole and len(own) <= MOST_LINES
    return Header(
        number=_needed(answer["number"]),
        hash=data(answer["hash"]),
        parent=data(answer["parentHash"]),
        time=_needed(answer["timestamp"]),
        fee_recipient=_address(answer.get("miner")),
        gas_used=number(answer.get("gasUsed")),
        gas_limit=number(answer.get("gasLimit")),
        base_fee=number(answer.get("baseFeePerGas")),
        size=number(answer.get("size")),
        transactions=len(given),
        lines=tuple(_line(i, t) for i, t in own) if is_whole else None,
    )


def number(value: Any) -> int | None:
    """A quantity in hexadecimal, as JSON-RPC writes it; None if there is none."""
    return None if value is None else value if isinstance(value, int) else int(value, 16)


def data(value: Any) -> bytes:
    """Bytes in hexadecimal, as JSON-RPC writes them."""
    if not isinstance(value, str):
        raise TypeError(f"no hexadecimal text: {type(value).__name__}")
    return bytes.fromhex(value.removeprefix("0x"))


def _needed(value: Any) -> int:
    found = number(value)
    if found is None:
        raise ValueError("a number is missing")
    return found


def _address(value: Any) -> str | None:
    return to_checksum_address(value) if value else None


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else ()


def _log(answer: Answer) -> LogEntry:
    return LogEntry(
        to_checksum_address(answer["address"]),
        tuple(data(topic) for topic in _list(answer.get("topics"))),
        data(answer.get("data", "0x")),
        number(answer.get("logIndex")),
    )


def _line(position: int, answer: Answer) -> Line:
    one = transaction(answer)
    if one.to is None:
        raise ValueError("a call without a contract")
    return Line(one.hash, one.sender, one.to, position, one.input[:4])

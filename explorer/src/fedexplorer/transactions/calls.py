"""What a transaction calls: decoded by the ABIs of the federation's contracts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError
from eth_utils.abi import collapse_if_tuple, event_abi_to_log_topic, function_abi_to_4byte_selector
from fedprotocol.chain.abi import Entry, load

from fedexplorer.arguments import Argument, of_call
from fedexplorer.transactions.contracts import ABIS, Contracts
from fedexplorer.transactions.records import LogEntry

SELECTOR_BYTES = 4


class Way(StrEnum):
    """How a transaction reaches the federation."""

    CALL = "call"  # it calls one of the federation's contracts
    OTHER = "other"  # it calls another contract, which may have called one of the federation's
    PAYMENT = "payment"  # it only moves ether
    CREATION = "creation"  # it makes a contract


@dataclass(frozen=True, slots=True)
class Call:
    """A decoded call. `contract` is what a page calls the contract. `name` is None if the ABI of this version has no
    such function, or the input does not decode by it; then there are no arguments."""

    way: Way
    contract: str | None
    name: str | None
    selector: bytes
    arguments: tuple[Argument, ...]

    @property
    def round(self) -> int | None:
        """The round that the call names."""
        return next((a.value for a in self.arguments if a.name.rpartition(".")[2] == "round"), None)


@dataclass(frozen=True, slots=True)
class Said:
    """A decoded entry of a receipt's log. `name` is None if it is no event of the contract's ABI."""

    contract: str
    name: str | None
    arguments: tuple[Argument, ...]
    entry: LogEntry


def decoded(contracts: Contracts, to: str | None, data: bytes) -> Call:
    """The call in a transaction's input."""
    contract, selector = contracts.name(to), data[:SELECTOR_BYTES]
    if to is None:
        return Call(Way.CREATION, None, None, b"", ())
    if contract is None:
        return Call(Way.OTHER if data else Way.PAYMENT, None, None, selector, ())
    function = _functions(ABIS[contract]).get(selector)
    values = None if function is None else _values(function["inputs"], data[SELECTOR_BYTES:])
    if function is None or values is None:
        return Call(Way.CALL, contract, None, selector, ())
    return Call(Way.CALL, contract, function["name"], selector, of_call(function["inputs"], values))


def function_name(contracts: Contracts, to: str, selector: bytes) -> str | None:
    """The function with this selector of the contract at `to`; None if its ABI has none."""
    contract = contracts.name(to)
    function = _functions(ABIS[contract]).get(selector) if contract else None
    return None if function is None else str(function["name"])


def said(contracts: Contracts, entry: LogEntry) -> Said:
    """An entry of the log of one of the federation's contracts, decoded."""
    contract = contracts.name(entry.address) or "another contract"
    event = _events(ABIS[contract]).get(entry.topics[0]) if entry.topics and contract in ABIS else None
    values = None if event is None else _event_values(event["inputs"], entry)
    if event is None or values is None:
        return Said(contract, None, (), entry)
    return Said(contract, event["name"], of_call(event["inputs"], values), entry)


def _event_values(inputs: list[Entry], entry: LogEntry) -> list[Any] | None:
    """One value for each input. An indexed value of any length that is longer than a word is in the log by its digest
    only; the federation's contracts have none."""
    indexed = [i for i in inputs if i["indexed"]]
    if len(entry.topics) != 1 + len(indexed):
        return None
    in_topics = _values(indexed, b"".join(entry.topics[1:]))
    in_data = _values([i for i in inputs if not i["indexed"]], entry.data)
    if in_topics is None or in_data is None:
        return None
    topics, data = iter(in_topics), iter(in_data)
    return [next(topics) if i["indexed"] else next(data) for i in inputs]


def _values(inputs: list[Entry], data: bytes) -> tuple[Any, ...] | None:
    try:
        return decode([collapse_if_tuple(dict(i)) for i in inputs], data)
    except (DecodingError, ValueError, OverflowError):  # OverflowError: a length that no memory holds
        return None


@cache
def _functions(abi: str) -> dict[bytes, Any]:
    return {bytes(function_abi_to_4byte_selector(e)): e for e in load(abi) if e["type"] == "function"}


@cache
def _events(abi: str) -> dict[bytes, Any]:
    return {bytes(event_abi_to_log_topic(e)): e for e in load(abi) if e["type"] == "event"}
